"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28 × 28 in 10 classes.

tensorflow-datasets prepares them once below the data_dir (see `prepared`). Decoding its 70,000
images takes tens of seconds, so the decoded arrays are kept beside them and read from then on.
"""

import os
import pathlib
import sys
import tempfile

import filelock
import numpy as np

from kd_jax.data import published
from kd_jax.data.dataset import Dataset, Split, check_digest
from kd_jax.errors import InputError, require

VERSION = "4.0.0"
KEYS = ("train_images", "train_labels", "test_images", "test_labels")


def load(name="mnist", data_dir="", manual_dir=""):
    """The data set `name`, "mnist" or "fashion_mnist", in the order of the published files.

    Images [N, 28, 28] float32 in [0, 1], labels [N] int32; 60,000 for training, 10,000 for the
    test, none for validation. The digest is of the images and labels as bytes.
    Args:
      data_dir: where prepared data sets are kept; "" is the user's folder of tensorflow-datasets.
      manual_dir: folder with the four original .gz files, or with a folder `name` that holds
        them, as both data sets name their files alike; "" downloads them.
    Raises: InputError, one line, when the files are missing and cannot be downloaded, are not the
      published ones, or when data_dir cannot be written or what it holds is damaged.
    """
    require(
        name in published.PUBLISHED,
        f"data set '{name}' is unknown: expected {' or '.join(published.PUBLISHED)}",
    )
    if manual_dir:
        manual_dir = pathlib.Path(manual_dir).expanduser()
        manual_dir = manual_dir / name if (manual_dir / name).is_dir() else manual_dir
        published.check_folder(name, manual_dir)  # a wrong file is refused even when not needed
    home = pathlib.Path(data_dir or _default_dir()).expanduser().absolute()
    cache = home / name / f"decoded-{VERSION}.npz"
    arrays = _read(cache, name) if cache.exists() else _prepare(name, home, manual_dir, cache)
    splits = [
        Split(images.astype(np.float32) / 255, labels.astype(np.int32))
        for images, labels in (arrays[:2], arrays[2:])
    ]
    # Papers of MNIST have no validation split; transfer.held_out takes one from the training rows.
    none = Split(splits[0].inputs[:0], splits[0].labels[:0])
    return Dataset(
        name,
        published.CLASSES,
        train=splits[0],
        validation=none,
        test=splits[1],
        digest=published.PUBLISHED[name].digest,
    )


def _default_dir():
    """As tensorflow_datasets.core.constants has it, without that import's second."""
    return os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"


def _prepare(name, home, manual_dir, cache):
    """The four arrays, prepared by one process while others wait; they find the cache then."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache.parent):
            pass
        with filelock.FileLock(cache.with_suffix(".lock")):
            if cache.exists():
                return _read(cache, name)
            print(f"preparing {name} in {home} (once, about half a minute)", file=sys.stderr)
            from kd_jax.data import prepared  # tensorflow-datasets is only needed here

            arrays = prepared.arrays(name, VERSION, home, manual_dir)
            check_digest(
                f"{home / name / VERSION}",
                published.digest(arrays),
                published.PUBLISHED[name].digest,
            )
            _write(cache, arrays)
            return arrays
    except OSError as error:
        raise InputError(
            f"{cache.parent} cannot be written ({error.strerror or error}): "
            "choose another folder with --data_dir"
        ) from None


def _write(cache, arrays):
    partial = cache.with_suffix(".partial")
    with open(partial, "wb") as file:
        np.savez(file, **dict(zip(KEYS, arrays)))
    partial.replace(cache)


def _read(cache, name):
    """The four arrays of a cache; InputError when it is not what was written."""
    advice = "delete that file"
    try:
        with np.load(cache, allow_pickle=False) as stored:
            arrays = [stored[key] for key in KEYS]
    except Exception as error:  # zipfile, zlib and numpy each raise their own
        reason = " ".join(str(error).split())
        raise InputError(f"{cache} is unreadable ({reason}): {advice}") from None
    shapes = [(array.dtype.name, array.shape) for array in arrays]
    counts = [count for _, _, count in published.SPLITS.values()]
    side = published.SIDE
    expected = [("uint8", shape) for n in counts for shape in ((n, side, side), (n,))]
    require(shapes == expected, f"{cache} holds {shapes}, expected {expected}: {advice}")
    require(
        published.digest(arrays) == published.PUBLISHED[name].digest,
        f"{cache} is damaged (its digest is not {name}'s): {advice}",
    )
    return arrays
