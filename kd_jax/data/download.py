"""Download of published files that tensorflow-datasets does not have."""

import hashlib
import os
import pathlib
from collections.abc import Iterable

from kd_jax.data.dataset import check_digest, home
from kd_jax.errors import InputError, extra, require


def folder(
    name: str,
    url: str,
    files: Iterable[str],
    data_dir: str | os.PathLike = "",
    manual_dir: str | os.PathLike = "",
) -> pathlib.Path:
    """The folder with a data set's files, which are downloaded once if need be.

    Args:
        name: of the data set's folder.
        url: an address in which {} stands for a file's name.
        files: their names.
        data_dir: downloads go to data_dir/name; "" is the user's folder of tensorflow-datasets.
        manual_dir: the folder of the files, or one with a folder `name` of them; "" downloads.

    Raises:
        InputError: there is no such folder, or the download fails.
    """
    if manual_dir:
        given = pathlib.Path(manual_dir).expanduser()
        wanted = " and ".join(files)
        require(given.is_dir(), f"--manual_dir={manual_dir} is no folder: expected {wanted} in it")
        return given / name if (given / name).is_dir() else given
    where = home(data_dir) / name
    for file in files:
        if not (where / file).exists():
            _download(url.format(file), where / file)
    return where


def read(path: pathlib.Path, url: str, digest: str) -> str:
    """The text of a published file.

    Args:
        path: of the file.
        url: where to get it, {} standing for its name.
        digest: its SHA-256.

    Raises:
        InputError: it is missing or changed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} is unreadable ({error.strerror}): get {url.format(path.name)}"
        ) from None
    check_digest(str(path), hashlib.sha256(content).hexdigest(), digest)
    return content.decode()


def _download(url, path):
    with extra("data"):  # here, as files that are at hand need none
        import requests

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        answer = requests.get(url, timeout=30)
        answer.raise_for_status()
        partial = path.with_name(f"{path.name}.partial")
        partial.write_bytes(answer.content)
        partial.replace(path)
    except requests.RequestException as error:
        raise InputError(
            f"{path.name} cannot be downloaded ({type(error).__name__}): get {url} on another "
            "machine, put it into a folder under that name and give --manual_dir=FOLDER"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path.parent} cannot be written ({error.strerror}): choose another with --data_dir"
        ) from None
