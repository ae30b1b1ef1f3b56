"""MNIST, Fashion-MNIST and CIFAR-100 as published: their files, where they are, their checksums.

Addresses, sizes and checksums are those that tensorflow-datasets registers for them.
"""

import hashlib
import os
import pathlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from kd_jax.errors import InputError, require

CLASSES = 10  # this and the next two are of MNIST and Fashion-MNIST
SIDE = 28
SPLITS = {  # MNIST and Fashion-MNIST name their files alike
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", 60_000),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 10_000),
}


class SourceFile(NamedTuple):
    """Size in bytes and SHA-256 of a published file."""

    size: int
    sha256: str


class Source(NamedTuple):
    """Where a data set is published.

    title: its name. url: the address that its files are under. digest: of the uint8 images and
    labels in them (see `digest`), "" where none is known beforehand.
    """

    title: str
    url: str
    files: dict[str, SourceFile]
    digest: str


PUBLISHED = {
    "mnist": Source(
        "MNIST",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        {
            "train-images-idx3-ubyte.gz": SourceFile(
                9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
            ),
            "train-labels-idx1-ubyte.gz": SourceFile(
                28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            "t10k-images-idx3-ubyte.gz": SourceFile(
                1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            "t10k-labels-idx1-ubyte.gz": SourceFile(
                4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        },
        digest="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    ),
    "fashion_mnist": Source(
        "Fashion-MNIST",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": SourceFile(
                26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
            ),
            "train-labels-idx1-ubyte.gz": SourceFile(
                29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            "t10k-images-idx3-ubyte.gz": SourceFile(
                4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            "t10k-labels-idx1-ubyte.gz": SourceFile(
                5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
        },
        digest="ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
    ),
    "cifar100": Source(
        "CIFAR-100",
        "https://www.cs.toronto.edu/~kriz/",
        {
            "cifar-100-binary.tar.gz": SourceFile(
                168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
            ),
        },
        digest="",
    ),
}


def digest(arrays: Iterable[np.ndarray]) -> str:
    """SHA-256 of the uint8 arrays' bytes, one after the other: images and labels of train, test."""
    summed = hashlib.sha256()
    for array in arrays:
        summed.update(array.data)
    return summed.hexdigest()


def check_folder(name: str, folder: str | os.PathLike) -> list[str]:
    """Check those of a data set's files that a folder holds.

    Args:
        name: of PUBLISHED.
        folder: of the files.

    Returns:
        The names of the files that it does not hold.

    Raises:
        InputError: there is no such folder, or a file in it is not the published one.
    """
    folder = pathlib.Path(folder)
    names = PUBLISHED[name].files
    require(
        folder.is_dir(), f"--manual_dir={folder} is no folder: expected one with {_list(names)}"
    )
    present = [file for file in names if (folder / file).exists()]
    for file in present:
        check_file(name, folder / file, file)
    return [file for file in names if file not in present]


def check_file(name: str, path: str | os.PathLike, file: str) -> None:
    """Check the size and the SHA-256 of one file.

    Args:
        name: of PUBLISHED.
        path: of what should be the file.
        file: its name there.

    Raises:
        InputError: it is unreadable or another one; the message says which, if it is known.
    """
    source = PUBLISHED[name]
    try:
        with open(path, "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
            size = opened.tell()
    except OSError as error:
        raise InputError(f"{path} is unreadable ({error.strerror}): expected {file}") from None
    if SourceFile(size, found) == source.files[file]:
        return
    known = [
        f"this is {other.title}'s {other_file}"
        for other in PUBLISHED.values()
        for other_file, wanted in other.files.items()
        if found == wanted.sha256
    ]
    expected = source.files[file]
    raise InputError(
        f"{path} has {size} bytes and SHA-256 {found[:16]}…, expected {expected.size} bytes and "
        f"{expected.sha256[:16]}… for {source.title}: {known[0] if known else 'it is damaged'}; "
        f"the published file is {source.url}{file}"
    )


def missing(name: str, files: Iterable[str], why: str) -> InputError:
    """The InputError that says which files are missing, where they are and where they go."""
    source = PUBLISHED[name]
    return InputError(
        f"{source.title} is missing {_list(files)} and {source.url} cannot be reached ({why}):"
        " download them there on another machine, put them into a folder under these names and "
        "give --manual_dir=FOLDER"
    )


def _list(files):
    return ", ".join(files)
