"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28 × 28 in 10 classes.

tensorflow-datasets prepares them once, and the decoded arrays are kept beside them (see `decoded`).
"""

import pathlib
from typing import Any

import numpy as np
from jaxtyping import UInt8

from kd_jax.data import idx, image_cache, sources
from kd_jax.data import mnist_5k as shipped
from kd_jax.data.dataset import Dataset, Split, home
from kd_jax.errors import require

NAMES = ("mnist", "fashion_mnist")
VERSION = "4.0.0"  # not the stock 3.0.1, which has no row numbers: the two can share a data_dir


def load(name: str = "mnist", data_dir: str = "", manual_dir: str = "") -> Dataset:
    """The data set `name`, "mnist" or "fashion_mnist", in the order of the published files.

    Images [N, 28, 28] float32 in [0, 1], labels [N] int32; 60,000 for training, 10,000 for the
    test, none for validation. The digest is of the images and labels as bytes.

    Args:
        name: of the data set.
        data_dir: where prepared data sets lie; "" is the user's folder of tensorflow-datasets.
        manual_dir: folder with the four original .gz files, or with a folder `name` that holds
            them, as both data sets name their files alike; "" downloads them.

    Raises:
        InputError: the files are missing and cannot be downloaded, or are not the published ones;
            data_dir cannot be written, or what it holds is damaged.
    """
    found = arrays(name, data_dir, manual_dir)
    splits = [
        Split(images.astype(np.float32) / 255, labels.astype(np.int32))
        for images, labels in (found[:2], found[2:])
    ]
    # Papers of MNIST have no validation split; subsets.held_out takes one from the training rows.
    none = Split(splits[0].inputs[:0], splits[0].labels[:0])
    return Dataset(
        name,
        sources.CLASSES,
        train=splits[0],
        validation=none,
        test=splits[1],
        digest=sources.PUBLISHED[name].digest,
    )


def arrays(
    name: str = "mnist", data_dir: str = "", manual_dir: str = ""
) -> list[UInt8[np.ndarray, "..."]]:
    """Training images [N, 28, 28] and labels [N], test images and labels, as published.

    The arguments and what is raised are those of `load`.
    """
    require(name in NAMES, f"data set '{name}' is unknown: expected {' or '.join(NAMES)}")
    own = pathlib.Path(manual_dir).expanduser() / name
    manual_dir = str(own) if manual_dir and own.is_dir() else manual_dir
    return image_cache.arrays(name, _layout(), data_dir, manual_dir)


def images(mnist_5k: bool, data_dir: str = "", manual_dir: str = "") -> Dataset:
    """MNIST whole, or the 5,000 of its digits that ship with the package.

    Args:
        mnist_5k: whether to take the 5,000 digits, which need no file; they have validation rows.
        data_dir: as for `load`.
        manual_dir: as for `load`.

    Returns:
        The data set.

    Raises:
        InputError: as for `load` of either.
    """
    return shipped.load() if mnist_5k else load("mnist", data_dir, manual_dir)


def streamed(name: str = "mnist", data_dir: str = "", manual_dir: str = "") -> Any:
    """The training rows of a data set as `load` gives them, read from disk when they are asked for.

    The arguments and what is raised are those of `load`.

    Returns:
        tfds.Rows, for streaming.fit.
    """
    load(name, data_dir, manual_dir)  # prepares it where that was not done, and checks it
    from kd_jax.data import tfds  # tensorflow-datasets takes a second to import

    return tfds.Rows(name, _layout(), home(data_dir))


def _layout():
    return image_cache.ImageSet(
        VERSION,
        shape=(sources.SIDE, sources.SIDE),
        classes=sources.CLASSES,
        counts={split: count for split, (_, _, count) in sources.SPLITS.items()},
        read=_read,
    )


def _read(paths):
    """Images and labels of each split, from the four idx files."""
    return {
        split: (
            idx.read(paths[images], (count, sources.SIDE, sources.SIDE)),
            idx.read(paths[labels], (count,)),
        )
        for split, (images, labels, count) in sources.SPLITS.items()
    }
