"""What the experiments' docstrings state under their headings."""

import ast
import inspect
import pathlib
import re
from typing import NamedTuple

HEADING = re.compile(r"^([A-Z]\w+): *(.*)$")


class Docstring(NamedTuple):
    """A module's docstring: its first line, {heading: text} and the paragraphs of neither kind."""

    title: str
    headings: dict[str, str]
    prose: str


def read(path: pathlib.Path) -> Docstring:
    """The docstring of a module, which is not imported.

    Args:
        path: of a file in whose docstring lines like 'Command:  ./run.sh NAME' begin a text that
            continues in the indented lines below.

    Returns:
        Its parts; an empty title where it has no docstring.
    """
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    title, *lines = text.splitlines() or [""]
    headings: dict[str, list[str]] = {}
    prose: list[str] = []
    under = None  # the lines of the heading that indented lines continue
    for line in lines:
        heading = HEADING.match(line)
        if heading:
            under = headings.setdefault(heading[1], [heading[2]])
        elif under is not None and line.startswith(" "):
            under.append(line)
        else:
            under = None
            prose.append(line)
    texts = {name: inspect.cleandoc("\n".join(found)) for name, found in headings.items()}
    return Docstring(title, texts, "\n".join(prose).strip())
