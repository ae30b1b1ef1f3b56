"""Images of one's own in class folders, or in a .zip of them, as arrays that are decoded once."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from kd_jax import errors, fingerprint
from kd_jax.data import class_folders, image_files, image_names
from kd_jax.errors import require


class Images(NamedTuple):
    """Images of one part. files: their names, relative to the folder or within the zip."""

    images: UInt8[np.ndarray, "N H W C"]
    labels: Int[np.ndarray, " N"]
    files: np.ndarray


class ImageFolder(NamedTuple):
    """What was read: {"train": …, perhaps "validation": …, "test": …}, in this order.

    classes: their names, sorted as text; labels are positions in them; [] where images lie in no
    class folders, and labels are 0 then. digest: of the pixels, labels, parts and names of classes.
    """

    parts: dict[str, Images]
    classes: list[str]
    digest: str


@contextlib.contextmanager
def no_bar(label: str, total: int, unit: str) -> Iterator[Callable[[int], Any]]:
    """In place of a progress bar."""
    yield lambda done: None


def to_stderr(line: str) -> None:
    """Print a line to standard error."""
    print(line, file=sys.stderr)


def read(
    path: str | os.PathLike,
    *,
    image_size: int | None = None,
    skip_unreadable: bool = False,
    cache: str | os.PathLike | None = None,
    bar: Callable = no_bar,
    say: Callable[[str], Any] = to_stderr,
) -> ImageFolder:
    """Read images in class folders, see class_folders for their layout, or in none at all.

    Images are gray, C = 1, if all pixels of all of them are; else they all are RGB. What becomes of
    transparent, rotated and other ones, image_decoding.decode says.

    Args:
        path: of the folder, or of a .zip, which is read without unpacking it.
        image_size: N for N × N pixels, see image_decoding.decode; None if all are of one size.
        skip_unreadable: go on without images that are damaged.
        cache: folder where the arrays are kept, found by names, stamps (see image_files.Files),
            image_size and the code that decodes; None keeps nothing.
        bar: like runtime.progress.bar, (label, total, unit) -> context of report(done).
        say: is called with each line that is worth knowing, as about files that are no images.

    Raises:
        InputError: see image_files.opened and class_folders.arranged; there are no images; one is
            unreadable; they are of several sizes and image_size is None, or need more memory than
            there is; the cache cannot be written; Pillow is not installed.
    """
    from kd_jax.data import decoded_images  # here, as it needs Pillow

    if image_size is not None:
        errors.within(1, 4097)("image_size", image_size)
    with image_files.opened(path) as files:
        images = [name for name in files.stamps if image_names.is_image(name)]
        say = functools.partial(_say, say, files.path)
        _say_others(say, files, images)
        known = " ".join(image_names.SUFFIXES)
        require(images, f"{files.path} holds no images: expected class folders of files {known}")
        parts = {"train": {"": sorted(images)}}
        if files.folders:
            parts = class_folders.arranged(files.path, images, files.folders)
        classes = sorted(parts["train"])
        places = _places(parts, classes)
        wanted = decoded_images.Wanted(files, [*places], image_size, skip_unreadable)
        decoded = decoded_images.cached(cache, wanted, bar)
        return _split(files.path, decoded, places, [x for x in classes if x], say)


def _places(parts, classes):
    """{name: (part, label)} of all images, part by part and class by class."""
    return {
        name: (part, label)
        for part, found in parts.items()
        for label, each in enumerate(classes)
        for name in found.get(each, [])
    }


def _say(say, path, line):
    say(errors.printable(f"{path}: {line}"))


def _say_others(say, files, images):
    """One line about what is not read."""
    others = sorted({*files.stamps} - {*images}) + files.unfollowed
    if others:
        said = f"not read, as no images or links to what is listed ({len(others):,})"
        say(f"{said}: {class_folders.some(others)}")


def _split(path, decoded, places, classes, say):
    """The ImageFolder of decoded images: each part is a slice of the array of all."""
    skipped = sorted({*places} - {*decoded.files})
    if skipped:
        listed = class_folders.some(skipped)
        say(f"skipped {len(skipped):,} of {len(places):,} images, unreadable: {listed}")
    part_of = np.array([places[name][0] for name in decoded.files])
    labels = np.array([places[name][1] for name in decoded.files], np.int32)
    names, parts = np.array(decoded.files), {}
    for part in dict.fromkeys(part for part, _ in places.values()):
        rows = np.flatnonzero(part_of == part)
        require(len(rows), f"{path}: no image of {part} is readable: restore them")
        chosen = slice(rows[0], rows[-1] + 1)
        parts[part] = Images(decoded.images[chosen], labels[chosen], names[chosen])
    counts = np.bincount(parts["train"].labels, minlength=len(classes))
    lost = [name for name, count in zip(classes, counts) if not count]
    which = f"the class {lost[0]}" if lost else ""
    require(not lost, f"{path}: no image of {which} in train is readable: restore one")
    facts = [decoded.digest, part_of.tolist(), labels.tolist(), classes]
    return ImageFolder(parts, classes, fingerprint.of(facts))
