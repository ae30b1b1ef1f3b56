"""Disk cache of decoded images, beside what tensorflow-datasets prepared.

tensorflow-datasets prepares a data set once below the data_dir (see `tfds`). Decoding its images
takes tens of seconds, so the arrays are cached in one file and read from then on.
"""

import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import NamedTuple

import filelock
import numpy as np
from jaxtyping import UInt8

from kd_jax.data import sources
from kd_jax.data.dataset import check_digest, home
from kd_jax.errors import InputError, require, unreadable

KEYS = ("train_images", "train_labels", "test_images", "test_labels")


class ImageSet(NamedTuple):
    """What published files hold: images [*shape] in `classes` classes, so many of each split.

    version: of the prepared form. read: {file name: path} -> {split: (images, labels)}, both
    uint8, for the splits "train" and "test".
    """

    version: str
    shape: tuple[int, ...]
    classes: int
    counts: dict[str, int]
    read: Callable


def arrays(
    name: str,
    image_set: ImageSet,
    data_dir: str | os.PathLike = "",
    manual_dir: str | os.PathLike = "",
) -> list[UInt8[np.ndarray, "..."]]:
    """The decoded arrays of a data set, in the order of KEYS.

    Args:
        name: an entry of sources.PUBLISHED.
        image_set: what its files hold.
        data_dir: where prepared data sets are; "" is the user's folder of tensorflow-datasets.
        manual_dir: folder with the original files; "" downloads them.

    Raises:
        InputError: the files are missing and cannot be downloaded, or are not the published ones;
            data_dir cannot be written, or what it holds is damaged.
    """
    if manual_dir:
        manual_dir = pathlib.Path(manual_dir).expanduser()
        sources.check_folder(name, manual_dir)  # a wrong file is refused even when not needed
    here = home(data_dir)
    cache = here / name / f"decoded-{image_set.version}.npz"
    if cache.exists():
        return _read(cache, name, image_set)
    return _prepare(name, image_set, here, manual_dir, cache)


def _prepare(name, image_set, here, manual_dir, cache):
    """The four arrays, prepared by one process while others wait; they find the cache then."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache.parent):
            pass
        with filelock.FileLock(cache.with_suffix(".lock")):
            if cache.exists():
                return _read(cache, name, image_set)
            print(f"preparing {name} in {here} (once, about half a minute)", file=sys.stderr)
            from kd_jax.data import tfds  # tensorflow-datasets is only needed here

            found = tfds.arrays(name, image_set, here, manual_dir)
            expected = sources.PUBLISHED[name].digest
            if expected:
                folder = here / name / image_set.version
                check_digest(f"{folder}", sources.digest(found), expected)
            _write(cache, found)
            return found
    except OSError as error:
        raise InputError(
            f"{cache.parent} cannot be written ({error.strerror or error}): "
            "choose another folder with --data_dir"
        ) from None


def _write(cache, found):
    partial = cache.with_suffix(".partial")
    with open(partial, "wb") as file:
        np.savez(file, **dict(zip(KEYS, found)))
    partial.replace(cache)


def _read(cache, name, image_set):
    """The four arrays of a cache; InputError when it is not what was written."""
    advice = "delete that file"
    try:
        with open(cache, "rb") as file, np.load(file, allow_pickle=False) as stored:
            found = [stored[key] for key in KEYS]
    except Exception as error:  # zipfile, zlib and numpy each raise their own
        raise unreadable(str(cache), error, advice) from None
    shapes = [(array.dtype.name, array.shape) for array in found]
    counts = image_set.counts.values()
    expected = [("uint8", shape) for n in counts for shape in ((n, *image_set.shape), (n,))]
    require(shapes == expected, f"{cache} holds {shapes}, expected {expected}: {advice}")
    digest = sources.PUBLISHED[name].digest
    require(
        not digest or sources.digest(found) == digest,
        f"{cache} is damaged (its digest is not {name}'s): {advice}",
    )
    return found
