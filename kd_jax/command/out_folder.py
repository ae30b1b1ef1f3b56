"""The folder of --out, before any work: it can be written, and nothing else is lost by it."""

import os
import pathlib
import tempfile
from collections.abc import Sequence

from kd_jax.errors import InputError, brief, require
from kd_jax.export import folders


def check(out: str, read: Sequence[tuple[str, str]], written: Sequence[tuple[str, str]]) -> None:
    """InputError unless --out can be written in the end.

    Args:
        out: Its path.
        read: (flag, path) of what is read, "" where none is given; out may neither lie around it
            nor within it.
        written: (flag, path) of folders that are written, and of files that are run: out may not
            lie around them.
    """
    said = f"--out={out}"
    require("\0" not in out, f"{said} is no path of a folder: expected a new one")
    try:
        _check_ways_up(out, said)
        folders.check(pathlib.Path(out).expanduser(), said)
        _check_apart(out, said, read, written)
        _check_written(pathlib.Path(_real(out)))
    except (OSError, RuntimeError) as error:  # the latter of a ~ that is nobody's
        reason = (isinstance(error, OSError) and error.strerror) or brief(error)
        raise InputError(f"{said} cannot be written ({reason}): name another folder") from None


def _check_ways_up(out, said):
    """InputError where a .. is of a folder that does not exist: the system knows no such path."""
    parts = pathlib.Path(out).expanduser().parts
    for n in (n for n, part in enumerate(parts) if part == ".."):
        before = pathlib.Path(*parts[:n])
        require(
            before.is_dir() or not n,
            f"{said}: {before} is no folder, so that nothing is above it: leave the .. out",
        )


def _check_apart(out, said, read, written):
    """InputError if --out would replace what is read or written meanwhile, or be read as data."""
    own = _real(out)
    for flag, name in [*read, *written]:
        place = _real(name) if name else ""
        if place and (flag == "workdir" or os.path.exists(place)):
            lost = _within(place, own) or ((flag, name) in read and _within(own, place))
            require(not lost, f"{said} and --{flag}={name} overlap: name a folder apart from it")


def _real(name):
    return os.path.realpath(pathlib.Path(name).expanduser())


def _within(path, folder):
    return os.path.commonpath([path, folder]) == folder


def _check_written(path):
    """OSError unless the folder can be made; what is made to see that is deleted again."""
    above = path.parent
    while not above.exists():
        above = above.parent
    folders.clear(above)
    with tempfile.TemporaryDirectory(prefix=folders.BESIDE, dir=above) as beside:
        pathlib.Path(beside, path.name or "root").mkdir()
