"""Which files of a folder are images, by their names.

A copy of this file goes with an exported student, where only NumPy and Pillow are installed.
"""

import os
import pathlib
import re

SUFFIXES = tuple(
    ".png .jpg .jpeg .jpe .jfif .bmp .gif .tif .tiff .webp .ppm .pgm .pbm .pnm".split()
)  # others that Pillow knows, as PostScript, start programs
# hidden files, and what systems leave beside one's own
IGNORED = re.compile(r"(^|/)(\..*|__macosx|thumbs\.db|desktop\.ini)(/|$)", re.IGNORECASE)


def is_image(name: str) -> bool:
    """Whether a file's name ends as those of images do."""
    return name.lower().endswith(SUFFIXES)


def listed(path: str) -> tuple[list[str], set[str], list[str]]:
    """What lies in a folder and the folders below, hidden files and those of IGNORED left out.

    Links are followed, to each folder once: they may lead in circles.

    Args:
        path: of the folder.

    Returns:
        Names relative to it, with "/" between their parts: of files; of folders, the empty ones
        too; and of links that lead to a folder which was listed already.
    """
    files, folders, unfollowed, seen = [], set(), [], {_identity(path)}
    for here, below, names in os.walk(path, followlinks=True):
        inside = pathlib.PurePath(here).relative_to(path)
        below[:] = sorted(name for name in below if not IGNORED.search(name))
        for name in [*below]:
            identity, relative = _identity(os.path.join(here, name)), (inside / name).as_posix()
            if identity in seen:
                below.remove(name)
                unfollowed.append(relative)
            else:
                seen.add(identity)
                folders.add(relative)
        files += [(inside / name).as_posix() for name in names if not IGNORED.search(name)]
    return files, folders, unfollowed


def _identity(folder):
    found = os.stat(folder)
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(folder)
