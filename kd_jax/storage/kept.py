"""What runs leave beside their folders to begin faster the next time, and how large it is."""

import contextlib
import os
import pathlib
import re
import stat
from typing import NamedTuple

# What the parts that write it call a file or folder; whatever else lies there is somebody's.
TEACHER = re.compile(r"[0-9a-f]{16}")
IMAGES = re.compile(r"\.?images-[0-9a-f]{16}\.npz(\.lock)?")


class Kept(NamedTuple):
    """Files of one kind: what they are, the folder they lie in, and each of them."""

    what: str
    folder: pathlib.Path
    entries: list[pathlib.Path]

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return sum(map(size, self.entries))


def below(workdir: pathlib.Path) -> list[Kept]:
    """What the runs of a workdir keep for later ones; kinds of which there is nothing left out.

    Args:
        workdir: the --workdir of runs.
    """
    kinds = [
        ("trained teachers and what they were asked", "teachers", TEACHER, stat.S_ISDIR),
        ("decoded images", "images", IMAGES, stat.S_ISREG),
    ]
    found = [Kept(what, workdir / name, named(workdir / name, pattern, is_kind))
             for what, name, pattern, is_kind in kinds]  # fmt: skip
    return [kept for kept in found if kept.entries]


def named(folder: pathlib.Path, pattern: re.Pattern, is_kind=stat.S_ISREG) -> list[pathlib.Path]:
    """The entries of a folder that bear such a name and are of a kind, links never.

    Args:
        folder: that need not exist.
        pattern: of whole names.
        is_kind: of a mode, like stat.S_ISREG.
    """
    with contextlib.suppress(OSError):
        return sorted(
            path for path in folder.iterdir()
            if pattern.fullmatch(path.name) and is_kind(path.lstat().st_mode)
        )  # fmt: skip
    return []


def size(path: pathlib.Path) -> int:
    """Bytes of a file, or of all files below a folder; what cannot be read counts as none."""
    total = 0
    with contextlib.suppress(OSError):
        total = path.lstat().st_size
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
