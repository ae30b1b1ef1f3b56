"""MNIST, Fashion-MNIST and CIFAR-100 as published: their files, where they are, their checksums.

Addresses, sizes and checksums are those that tensorflow-datasets registers for them.
"""

import hashlib
import pathlib
from typing import NamedTuple

from kd_jax.errors import InputError, require

CLASSES = 10  # this and the next two are of MNIST and Fashion-MNIST
SIDE = 28
SPLITS = {  # MNIST and Fashion-MNIST name their files alike
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", 60_000),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 10_000),
}


class File(NamedTuple):
    """What a published file must be."""

    size: int
    sha256: str


class Published(NamedTuple):
    """One data set: its title, the address its files are under, the files, and the digest of the
    uint8 images and labels in them (see `digest`), "" where none is known beforehand."""

    title: str
    url: str
    files: dict[str, File]
    digest: str


PUBLISHED = {
    "mnist": Published(
        "MNIST",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        {
            "train-images-idx3-ubyte.gz": File(
                9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
            ),
            "train-labels-idx1-ubyte.gz": File(
                28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            "t10k-images-idx3-ubyte.gz": File(
                1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            "t10k-labels-idx1-ubyte.gz": File(
                4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        },
        digest="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    ),
    "fashion_mnist": Published(
        "Fashion-MNIST",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": File(
                26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
            ),
            "train-labels-idx1-ubyte.gz": File(
                29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            "t10k-images-idx3-ubyte.gz": File(
                4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            "t10k-labels-idx1-ubyte.gz": File(
                5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
        },
        digest="ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
    ),
    "cifar100": Published(
        "CIFAR-100",
        "https://www.cs.toronto.edu/~kriz/",
        {
            "cifar-100-binary.tar.gz": File(
                168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
            ),
        },
        digest="",
    ),
}


def digest(arrays):
    """SHA-256 of the uint8 arrays' bytes, one after the other: images and labels of train, test."""
    summed = hashlib.sha256()
    for array in arrays:
        summed.update(array.data)
    return summed.hexdigest()


def check_folder(name, folder):
    """Check those of the data set's files that `folder` holds; the names of the others.

    Raises: InputError when there is no such folder, or a file in it is not the published one.
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


def check_file(name, path, file):
    """InputError unless the file at `path` is the data set's `file`, by size and SHA-256."""
    source = PUBLISHED[name]
    try:
        with open(path, "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
            size = opened.tell()
    except OSError as error:
        raise InputError(f"{path} is unreadable ({error.strerror}): expected {file}") from None
    if File(size, found) == source.files[file]:
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


def missing(name, files, why):
    """The InputError that says which files are missing, where they are and where they go."""
    source = PUBLISHED[name]
    return InputError(
        f"{source.title} is missing {_list(files)} and {source.url} cannot be reached ({why}):"
        " download them there on another machine, put them into a folder under these names and "
        "give --manual_dir=FOLDER"
    )


def _list(files):
    return ", ".join(files)
