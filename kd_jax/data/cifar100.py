"""CIFAR-100: 50,000 training and 10,000 test images of 32 × 32 in colour, of 100 classes.

Krizhevsky 2009, "Learning multiple layers of features from tiny images", publishes it as
https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz. In it train.bin and test.bin have one row
per image: the number of its superclass, that of its class, then 1,024 bytes each of red, green and
blue, every one of them a 32 × 32 plane in C order.
"""

import os
import tarfile
import zlib

import numpy as np
from jaxtyping import Float, UInt8

from kd_jax.data import image_cache, sources, subsets
from kd_jax.data.dataset import Dataset, Split
from kd_jax.errors import require, unreadable

VERSION = "4.0.0"  # not the stock 3.0.2, which has no row numbers: the two can share a data_dir
FILE = "cifar-100-binary.tar.gz"
MEMBERS = {"train": "cifar-100-binary/train.bin", "test": "cifar-100-binary/test.bin"}
COUNTS = {"train": 50_000, "test": 10_000}
CLASSES = 100
PLANES = (3, 32, 32)
ROW = 2 + 3 * 32 * 32
CHUNK = 2**20  # values that are summed together, few enough for the cache of a processor
HELD_OUT = 50  # of each class, for validation


def load(
    data_dir: str | os.PathLike = "", manual_dir: str | os.PathLike = "", *, seed: int
) -> Dataset:
    """45,000 training, 5,000 validation and 10,000 test images with their fine labels.

    Inputs [N, 32, 32, 3] float32: each channel less its mean and divided by its s.d., both over the
    pixels of the 45,000 training images. Labels [N] int32 below 100. The validation rows are 50 of
    each class; all rows keep the order of the published files. The digest is of the images and
    labels as bytes, before the normalization and the split.

    Args:
        data_dir: where prepared data sets are; "" is the user's folder of tensorflow-datasets.
        manual_dir: folder with cifar-100-binary.tar.gz; "" downloads it.
        seed: of the draw of the validation rows.

    Raises:
        InputError: the file is missing and cannot be downloaded, or is not the published one;
            data_dir cannot be written, or what it holds is damaged.
    """
    found = arrays(data_dir, manual_dir)
    images, labels, test_images, test_labels = found
    rest, held = subsets.held_out(labels, HELD_OUT, seed)
    mean, deviation = channel_moments(images[rest])
    splits = {
        "train": (images[rest], labels[rest]),
        "validation": (images[held], labels[held]),
        "test": (test_images, test_labels),
    }
    normalized = {
        split: Split((pixels - mean) / deviation, classes.astype(np.int32))
        for split, (pixels, classes) in splits.items()
    }
    return Dataset("cifar100", CLASSES, **normalized, digest=sources.digest(found))


def arrays(
    data_dir: str | os.PathLike = "", manual_dir: str | os.PathLike = ""
) -> list[UInt8[np.ndarray, "..."]]:
    """50,000 training images [N, 32, 32, 3] and labels [N], 10,000 test images and labels, uint8.

    Args:
        data_dir: as for `load`.
        manual_dir: as for `load`.

    Raises:
        InputError: as for `load`.
    """
    image_set = image_cache.ImageSet(
        VERSION, (32, 32, 3), CLASSES, COUNTS, lambda paths: read(paths[FILE])
    )
    return image_cache.arrays("cifar100", image_set, data_dir, manual_dir)


def channel_moments(
    images: UInt8[np.ndarray, "N H W C"],
) -> tuple[Float[np.ndarray, " C"], Float[np.ndarray, " C"]]:
    """Mean and s.d. of each channel over all pixels, as float32.

    From sums of whole numbers, which are exact for any number of pixels.
    """
    total = np.zeros(images.shape[1:], np.uint64)
    squares = total.copy()
    rows = min(max(CHUNK // total.size, 1), 2**16)  # 2¹⁶ · 255² fit into 32 bits
    for first in range(0, len(images), rows):
        values = images[first : first + rows]
        total += values.sum(0, dtype=np.uint32)
        squares += np.square(values, dtype=np.uint16).sum(0, dtype=np.uint32)
    channels = images.shape[-1]
    mean, mean_square = (
        each.reshape(-1, channels).sum(0) / (images.size // channels) for each in (total, squares)
    )
    return mean.astype(np.float32), np.sqrt(mean_square - mean**2).astype(np.float32)


def read(path: str | os.PathLike) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the published archive, without extracting it to disk.

    A member is read only if it has the size that it must have.

    Returns:
        {split: (images [N, 32, 32, 3], labels [N])}, uint8.

    Raises:
        InputError: the archive is missing, no gzipped tar or cut short; a member is missing or has
            another size; a label is 100 or more.
    """
    found = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:  # in the order they stand in: gzip cannot go back
                for split, name in MEMBERS.items():
                    if member.name == name:
                        found[split] = _rows(path, archive, member, COUNTS[split])
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise unreadable(str(path), error, "fetch the original again") from None
    absent = [name for split, name in MEMBERS.items() if split not in found]
    require(not absent, f"{path} lacks {', '.join(absent)}: fetch the original again")
    return {split: found[split] for split in MEMBERS}


def _rows(path, archive, member, count):
    """Images and fine labels of one member; the superclass in front is left out."""
    what = f"{path}: {member.name}"
    require(
        member.isfile() and member.size == count * ROW,
        f"{what} has {member.size} bytes, expected {count * ROW} for {count} rows of {ROW}: "
        "fetch the original again",
    )
    rows = np.frombuffer(archive.extractfile(member).read(), np.uint8).reshape(count, ROW)
    labels = rows[:, 1]
    require(
        labels.max() < CLASSES,
        f"{what} has the label {labels.max()}, expected below {CLASSES}: fetch the original again",
    )
    images = rows[:, 2:].reshape(count, *PLANES).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.ascontiguousarray(labels)
