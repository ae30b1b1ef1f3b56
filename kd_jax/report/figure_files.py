"""Figures in files: what each shows, as its SVG says, and above which table it stands.

`figures.figure` writes both into the file, so that a page needs nothing beside it.
"""

import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree import ElementTree

from kd_jax.errors import InputError, require

ROOT = "{http://www.w3.org/2000/svg}svg"
SAID = ".//{http://purl.org/dc/elements/1.1/}"


class Figure(NamedTuple):
    """A figure: its file, what its caption says, and how the title of its table begins."""

    path: pathlib.Path
    caption: str
    table: str

    @property
    def alt(self) -> str:
        """What stands in its place: the first sentence of the caption, or the file's name."""
        words = re.sub("_+", " ", self.path.stem)
        return re.split(r"(?<=[.])\s", self.caption)[0].rstrip(".") or words


def read(path: pathlib.Path) -> Figure:
    """The Figure in an SVG file.

    Args:
        path: Of the file.

    Raises:
        InputError: it is damaged.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path} is no sound SVG image ({error}): draw it again") from None
    require(root.tag == ROOT, f"{path} is no SVG image: draw it again")
    said = (root.findtext(SAID + name, "") for name in ("description", "relation"))
    return Figure(path, *(" ".join(text.split()) for text in said))


def below(folder: pathlib.Path) -> list[Figure]:
    """The figures of a run folder, by name.

    Args:
        folder: Of the run.
    """
    return [read(path) for path in sorted(folder.glob("*.svg")) if path.is_file()]


def placed(figures: Iterable[Figure], titles: Sequence[str]) -> dict[str, list[Figure]]:
    """Where figures stand: {title: those between it and its table}, under "" those before all.

    Args:
        figures: Of a run.
        titles: Of its table.md, in order.
    """
    found: dict[str, list[Figure]] = {"": [], **{title: [] for title in titles}}
    for figure in figures:
        own = (title for title in titles if figure.table and title.startswith(figure.table))
        found[next(own, "")].append(figure)
    return found
