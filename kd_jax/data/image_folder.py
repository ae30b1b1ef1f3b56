"""Images of one's own in class folders, or in a .zip of them, as arrays that are decoded once."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from kd_jax import errors, fingerprint
from kd_jax.data import class_folders, image_files
from kd_jax.errors import require


class Images(NamedTuple):
    """Images of one part. files: their names, relative to the folder or within the zip."""

    images: UInt8[np.ndarray, "N H W C"]
    labels: Int[np.ndarray, " N"]
    files: np.ndarray


class ImageFolder(NamedTuple):
    """What was read: {"train": …, perhaps "validation": …, "test": …}, in this order.

    classes: their names, sorted as text; labels are positions in them. digest: of the pixels,
    labels, parts and names of classes.
    """

    parts: dict[str, Images]
    classes: list[str]
    digest: str


@contextlib.contextmanager
def no_bar(label: str, total: int, unit: str) -> Iterator[Callable[[int], Any]]:
    """In place of a progress bar."""
    yield lambda done: None


def read(
    path: str | os.PathLike,
    *,
    image_size: int | None = None,
    skip_unreadable: bool = False,
    cache: str | os.PathLike | None = None,
    bar: Callable = no_bar,
) -> ImageFolder:
    """Read images in class folders; see class_folders for their layout.

    Images are gray, C = 1, if all pixels of all of them are; else they all are RGB. What becomes of
    transparent, rotated and other ones, image_decoding.decode says. What is worth knowing, as files
    that are no images, is printed to standard error.

    Args:
        path: of the folder, or of a .zip, which is read without unpacking it.
        image_size: N for N × N pixels, see image_decoding.decode; None if all are of one size.
        skip_unreadable: go on without images that are damaged.
        cache: folder where the arrays are kept, found by names, stamps (see image_files.Files),
            image_size and the code that decodes; None keeps nothing.
        bar: like runtime.progress.bar, (label, total, unit) -> context of report(done).

    Raises:
        InputError: see image_files.opened and class_folders.arranged; there are no images; one is
            unreadable; they are of several sizes and image_size is None, or need more memory than
            there is; the cache cannot be written; Pillow is not installed.
    """
    from kd_jax.data import decoded_images  # here, as it needs Pillow

    if image_size is not None:
        errors.within(1, 4097)("image_size", image_size)
    with image_files.opened(path) as files:
        images = [name for name in files.stamps if image_files.is_image(name)]
        _say_others(files, images)
        known = " ".join(image_files.SUFFIXES)
        require(images, f"{files.path} holds no images: expected class folders of files {known}")
        parts = class_folders.arranged(files.path, images, files.folders)
        for line in class_folders.missing(parts):
            _say(files.path, line)
        classes = sorted(parts["train"])
        places = _places(parts, classes)
        wanted = decoded_images.Wanted(files, [*places], image_size, skip_unreadable)
        decoded = decoded_images.cached(cache, wanted, bar)
        return _split(files.path, decoded, places, classes)


def _places(parts, classes):
    """{name: (part, label)} of all images, part by part and class by class."""
    return {
        name: (part, label)
        for part, found in parts.items()
        for label, each in enumerate(classes)
        for name in found.get(each, [])
    }


def _say(path, line):
    print(errors.printable(f"{path}: {line}"), file=sys.stderr)


def _say_others(files, images):
    """One line about what is not read."""
    others = sorted({*files.stamps} - {*images}) + files.unfollowed
    if others:
        said = f"not read, as no images or links to what is listed ({len(others):,})"
        _say(files.path, f"{said}: {class_folders.some(others)}")


def _split(path, decoded, places, classes):
    """The ImageFolder of decoded images: each part is a slice of the array of all."""
    skipped = sorted({*places} - {*decoded.files})
    if skipped:
        listed = class_folders.some(skipped)
        _say(path, f"skipped {len(skipped):,} of {len(places):,} images, unreadable: {listed}")
    part_of = np.array([places[name][0] for name in decoded.files])
    labels = np.array([places[name][1] for name in decoded.files], np.int32)
    names, parts = np.array(decoded.files), {}
    for part in dict.fromkeys(part for part, _ in places.values()):
        rows = np.flatnonzero(part_of == part)
        require(len(rows), f"{path}: no image of {part} is readable: restore them")
        chosen = slice(rows[0], rows[-1] + 1)
        parts[part] = Images(decoded.images[chosen], labels[chosen], names[chosen])
    counts = np.bincount(parts["train"].labels, minlength=len(classes))
    lost = classes[int(counts.argmin())]
    require(counts.min(), f"{path}: no image of the class {lost} in train is readable: restore one")
    facts = [decoded.digest, part_of.tolist(), labels.tolist(), classes]
    return ImageFolder(parts, classes, fingerprint.of(facts))
