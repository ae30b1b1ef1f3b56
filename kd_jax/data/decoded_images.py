"""Image files decoded once, as one array, kept in a cache file."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import sys
import warnings
from collections.abc import Callable
from typing import NamedTuple

import filelock
import numpy as np
from jaxtyping import UInt8

from kd_jax import fingerprint
from kd_jax.data.image_files import Files
from kd_jax.errors import REFUSED, InputError, brief, extra, number_of, require, unreadable

with extra("data"):
    from kd_jax.data import image_decoding

BLOCK = 256  # images that are decoded before any is copied: bounds what is in memory besides


class Decoded(NamedTuple):
    """Images of the files that were readable; digest: of their pixels."""

    images: UInt8[np.ndarray, "N H W C"]
    files: list[str]
    digest: str


class Wanted(NamedTuple):
    """Which images, and how.

    files: which read them. names: of the files, in the order of the images. image_size: N for N × N
    pixels, see image_decoding.decode; None if all are of one size. skip_unreadable: go on without
    images that are damaged.
    """

    files: Files
    names: list[str]
    image_size: int | None
    skip_unreadable: bool


def cached(folder: str | os.PathLike | None, wanted: Wanted, bar: Callable) -> Decoded:
    """`decoded`, from a cache file if there is one of the same images, size and code.

    A damaged cache file is written again; one that lacks images which were unreadable serves only
    those who skip them.

    Args:
        folder: where the cache file is; None for no cache.
        wanted: as for `decoded`.
        bar: as for `decoded`.

    Raises:
        InputError: as `decoded`; the folder cannot be written.
    """
    if folder is None:
        return decoded(wanted, bar)
    facts = {
        "files": [[name, *wanted.files.stamps[name]] for name in wanted.names],
        "image_size": wanted.image_size,
        "code": fingerprint.code(image_decoding.decode, _Stack),
        "versions": fingerprint.versions(["pillow", "numpy"]),
    }
    path = pathlib.Path(folder).expanduser() / f"images-{fingerprint.of(facts)}.npz"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_name(f".{path.name}.lock")):  # others wait and find it
            found = _stored(path, wanted.names)
            whole = found is not None and len(found.files) == len(wanted.names)
            if found is None or not (whole or wanted.skip_unreadable):
                found = decoded(wanted, bar)
                _store(path, found)
            return found
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or brief(error)}): make room there, or "
            "choose another folder for decoded images"
        ) from None


def decoded(wanted: Wanted, bar: Callable) -> Decoded:
    """The images of files; gray, C = 1, if all pixels of all of them are, else all in RGB.

    Args:
        wanted: which, and how.
        bar: like runtime.progress.bar, (label, total, unit) -> context of report(done).

    Raises:
        InputError: an image is unreadable, or all are; they are of several sizes and image_size is
            None; they need more memory than there is.
    """
    files, names, image_size, skip_unreadable = wanted
    stack, total = _Stack(files.path, len(names)), f"{len(names):,}"
    with warnings.catch_warnings(), bar("decoding images", len(names), "image") as report:
        warnings.simplefilter("ignore")  # Pillow's, of odd files that it reads nevertheless
        for number, (name, pixels) in enumerate(_pixels(files, names, image_size), 1):
            if isinstance(pixels, str):
                require(
                    skip_unreadable,
                    f"{files.path}: image {number:,} of {total}, {name}, is unreadable ({pixels}): "
                    "restore or delete it, or go on without such images with --skip_unreadable",
                )
            else:
                stack.add(name, pixels)
            report(number)
    return stack.decoded()


def _store(path, found):
    partial = path.with_suffix(".partial")
    texts = json.dumps([found.files, found.digest]).encode()
    with open(partial, "wb") as file:
        np.savez(file, images=found.images, texts=np.frombuffer(texts, np.uint8))
    partial.replace(path)


def _stored(path, names):
    """The Decoded images of a cache file; None if it is absent or damaged."""
    if not path.exists():
        return None
    try:  # each array has a checksum, which is compared as it is read
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            files, digest = json.loads(stored["texts"].tobytes())
            images = stored["images"]
        fits = images.dtype == np.uint8 and images.ndim == 4 and len(images) == len(files)
        require(fits and {*files} <= {*names}, "it holds other arrays")
        return Decoded(images, files, digest)
    except Exception as error:  # zipfile, zlib, json and numpy each raise their own
        if number_of(error) in REFUSED:
            raise unreadable(str(path), error, "") from None
        print(f"{path} is damaged ({brief(error)}): decoding again", file=sys.stderr)
        return None


def _pixels(files, names, image_size):
    """Yield (name, its pixels, or as text why they cannot be read), decoded in threads."""

    def one(name):
        try:
            return image_decoding.decode(files.read(name), image_size)
        except Exception as error:  # zipfile and each format raise their own
            return brief(error)

    # more threads than cores would only wait for Python's lock
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(0, len(names), BLOCK):
            block = names[first : first + BLOCK]
            yield from zip(block, pool.map(one, block))


class _Stack:
    """Images of one size, copied one after the other into an array that is made for all."""

    def __init__(self, path, count):
        self.path, self.count = path, count
        self.images, self.files, self.colored = np.empty((0, 0, 0, 3), np.uint8), [], False

    def add(self, name, pixels):
        """Copy the pixels of one more image, [H, W, 1 or 3]."""
        height, width, channels = pixels.shape
        if not self.files:
            self.images = self._room(height, width)
        _, first_height, first_width, _ = self.images.shape
        require(
            (height, width) == (first_height, first_width),
            f"{self.path} holds images of several sizes, {first_width} × {first_height} "
            f"({(self.files or [name])[0]}) and {width} × {height} ({name}): expected one size; "
            "give --image_size=N to resize all to N × N",
        )
        self.images[len(self.files)] = pixels  # gray ones get red = green = blue
        self.files.append(name)
        self.colored |= channels == 3

    def _room(self, height, width):
        try:
            return np.empty((self.count, height, width, 3), np.uint8)
        except (MemoryError, ValueError):  # the latter of numbers beyond 64 bits
            size = self.count * height * width * 3 / 2**30
            raise InputError(
                f"{self.path}: {self.count:,} images of {width} × {height} need {size:,.0f} GiB of "
                "memory, more than there is: give a smaller --image_size=N"
            ) from None

    def decoded(self):
        """All that were added; gray ones have one channel if none has colors."""
        require(self.files, f"{self.path}: no image is readable: restore them")
        images = self.images[: len(self.files)]
        if not self.colored:
            images = images[..., :1].copy()
        digest = hashlib.sha256(f"{images.shape}".encode())
        digest.update(images.data)
        return Decoded(images, self.files, digest.hexdigest())
