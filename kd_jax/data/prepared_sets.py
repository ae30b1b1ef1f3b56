"""Any image set that tensorflow-datasets prepared, read from its folder without TensorFlow.

tfds build cifar10 --file_format=array_record      # or data_dir copied from another machine
sets = prepared_sets.read("cifar10", data_dir)
"""

import contextlib
import io
import os
import re
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from kd_jax.data.dataset import home
from kd_jax.data.preprocessing import near
from kd_jax.errors import InputError, extra, require, unreadable

BATCH = 1000
OURS = ("cifar100", "fashion_mnist", "mnist")  # that this package prepares itself
EXPECTED = "expected images [H, W, C] of one size beside one label"


class PreparedSet(NamedTuple):
    """Images and labels by split, and the names of the classes."""

    splits: dict[str, tuple[UInt8[np.ndarray, "N H W C"], Int[np.ndarray, " N"]]]
    classes: list[str]


def read(name: str, data_dir: str | os.PathLike = "") -> PreparedSet:
    """The images and labels of a set.

    Args:
        name: Of it, or name/config.
        data_dir: Folder of prepared sets; "" is tensorflow-datasets' own.

    Raises:
        InputError: It is not prepared there, not in array_record, damaged, or its rows are no
            images of one size with a label.
    """
    folder = _newest(home(os.fspath(data_dir)), name)
    with extra("data"):
        import tensorflow_datasets as tfds
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            builder = tfds.builder_from_directory(folder)
            image, label = _names(folder, builder.info.features, tfds.features)
            splits = {
                split: _rows(folder, builder.as_data_source(split), image, label)
                for split in builder.info.splits
            }
    except InputError:
        raise
    except Exception as error:  # protobuf, array_record, Pillow and tfds each raise their own
        advice = "prepare it with file_format=array_record, or delete it if it is damaged"
        raise unreadable(str(folder), error, advice) from None
    return PreparedSet(splits, list(map(str, builder.info.features[label].names)))


def _newest(data_dir, name):
    """The folder of a set's newest version."""
    fits = re.fullmatch(r"\w+(/[\w.\-]+)*", name)
    place = data_dir / name
    found = [path.parent for path in place.glob("*/features.json")] if fits else []
    there = {path.parents[1].name for path in data_dir.glob("*/*/features.json")}
    require(
        found,
        f"tfds:{name} is not prepared in {data_dir}; {near(name, sorted({*OURS, *there}), 'sets')} "
        "(tensorflow-datasets prepares others with file_format=array_record; or write inputs, "
        "labels and split with np.savez and give --data=FILE.npz)",
    )
    return max(found, key=lambda path: [int(x) for x in re.findall(r"\d+", path.name)])


def _names(folder, features, kinds):
    """The names of the one image and the one label of a row."""
    known = dict(features.items()) if hasattr(features, "items") else {}
    images = [name for name, kind in known.items() if isinstance(kind, kinds.Image)]
    labels = [name for name, kind in known.items() if isinstance(kind, kinds.ClassLabel)]
    held = ", ".join(known) or "something else"
    require(len(images) == len(labels) == 1, f"{folder} holds {held}: {EXPECTED}")
    return images[0], labels[0]


def _rows(folder, source, image, label):
    """Images and labels of a split, in the order that they are stored in."""
    images, labels = [], np.empty(len(source), np.int32)
    for first in range(0, len(source), BATCH):
        rows = range(first, min(first + BATCH, len(source)))
        found = source.__getitems__(rows)
        images += [one[image] for one in found]
        labels[rows.start : rows.stop] = [one[label] for one in found]
    shapes = {x.shape for x in images}
    require(len(shapes) == 1, f"{folder} has images of the shapes {sorted(shapes)[:3]}: {EXPECTED}")
    return np.stack(images), labels
