"""Images as problems: folders and zips of them, and sets that tensorflow-datasets prepares."""

import functools
import pathlib
from typing import Any

import numpy as np

from kd_jax.command.parts import NAMES, Content, Part, Reader, whole
from kd_jax.data import cifar100, image_folder, mnist, prepared_sets, sources
from kd_jax.errors import require
from kd_jax.runtime import collector, progress


def read(settings: Any, path: str, first: bool, say: Any) -> Content:
    """Images of a folder or a zip; see data.class_folders for what their folders say.

    Args:
        settings: With image_size, skip_unreadable and workdir, where decoded images are kept.
        path: Of the folder or zip.
        first: Whether it is --data.
        say: As in `Reader`.

    Raises:
        InputError: See image_folder.read.
    """
    with collector.seldom():  # as many files as images
        found = image_folder.read(
            path,
            image_size=settings.image_size or None,
            skip_unreadable=settings.skip_unreadable,
            cache=pathlib.Path(settings.workdir) / "images",
            bar=progress.bar,
            say=say,
        )
    parts = {
        name: (each.images, each.labels if found.classes else None)
        for name, each in found.parts.items()
    }
    return Content(path, _one_after_another(parts), found.classes, found.digest)


def read_prepared(settings: Any, path: str, first: bool, say: Any) -> Content:
    """Images of a set that tensorflow-datasets prepared, without TensorFlow.

    Args:
        settings: With data_dir and manual_dir.
        path: "tfds:" and the name of the set; one of prepared_sets.OURS is prepared if it is not.
        first: Whether it is --data.
        say: As in `Reader`.

    Raises:
        InputError: See image_cache.arrays and prepared_sets.read.
    """
    name = path.removeprefix("tfds:")
    if name in prepared_sets.OURS:
        found = _published(name, settings.data_dir, settings.manual_dir)
    else:
        found = prepared_sets.read(name, settings.data_dir)
    others = [split for split in found.splits if split not in NAMES]
    if others:
        say(f"{path}: not read, as none of {', '.join(NAMES)}: {', '.join(others)}")
    require("train" in found.splits, f"{path} has no split train: expected rows to learn from")
    parts = {split: pair for split, pair in found.splits.items() if split in NAMES}
    digest = sources.digest([array for pair in parts.values() for array in pair])
    return Content(path, _one_after_another(parts), found.classes, digest)


def _one_after_another(parts):
    """{part: Part} of {part: (images, labels)}, whose rows are counted through."""
    found: dict[str, Part] = {}
    for name, (images, labels) in parts.items():
        first = sum(len(part.rows) for part in found.values())
        found[name] = whole(images, labels, first=first)
    return found


def _published(name, data_dir, manual_dir):
    """A set that is prepared here from its original files."""
    read = cifar100.arrays if name == "cifar100" else functools.partial(mnist.arrays, name)
    images, labels, of_test, test_labels = read(data_dir, manual_dir)
    pairs = {"train": (images, labels), "test": (of_test, test_labels)}
    splits = {
        split: (x if x.ndim == 4 else x[..., None], y.astype(np.int32))
        for split, (x, y) in pairs.items()
    }
    return prepared_sets.PreparedSet(splits, [str(n) for n in range(int(labels.max()) + 1)])


def agree(data: Content, other: Content) -> Content:
    """The other images, if they are of the size of those of --data and as colored.

    Args:
        data: Of --data.
        other: Of another folder.

    Raises:
        InputError: Their sizes or channels differ.
    """
    (height, width, channels), theirs = (
        content.parts["train"].inputs.shape[1:] for content in (data, other)
    )
    ours = f"{width} × {height} × {channels}"
    require(
        theirs == (height, width, channels),
        f"{other.path} has images of {theirs[1]} × {theirs[0]} × {theirs[2]} and {data.path} of "
        f"{ours} (width, height, channels): expected the same; --image_size=N resizes both, gray "
        "ones have 1 channel and the others 3",
    )
    return other


def encode(
    content: Content, parts: dict[str, Part], rows: Any, say: Any
) -> tuple[dict[str, Part], dict]:
    """The parts as they are, and the size N × N of new images; None: they must have it already.

    Args:
        content: Of --data.
        parts: By name.
        rows: Not needed.
        say: As in `Reader`.
    """
    height, width, channels = parts["train"].inputs.shape[1:]
    size = height if height == width else None  # others are not cut to
    return parts, {"kind": "images", "size": size, "channels": channels}


READER = Reader("images", ("image_size", "skip_unreadable"), read, agree, encode)
PREPARED = Reader("images", (), read_prepared, agree, encode)
