"""The README of an experiment, of its docstring, findings, tables and figures.

The docstring is that of experiments/NAME/__init__.py; findings.md shows what figures it wishes, and
others stand above their tables, which are those of records/ and of records_PRESET/.
"""

import pathlib
import re
from collections.abc import Sequence

from kd_jax.errors import require
from kd_jax.report import cells, commands, docstrings, figure_files
from kd_jax.report.publishing import confirmed, repeated, superseded
from kd_jax.report.publishing.docs_records import origin

NOTICE = "<!-- By ./run.sh publish from __init__.py, findings.md and the records: edit those -->"
FIGURE = re.compile(r"!\[[^]]*\]\((records\w*/[^)]+\.svg)\)")


def folders(root: pathlib.Path) -> list[pathlib.Path]:
    """The folders of the experiments, by name: those whose docstring states a command."""
    files = sorted((root / "experiments").glob("*/__init__.py"))
    return [path.parent for path in files if "Command" in docstrings.read(path).headings]


def stated(folder: pathlib.Path) -> docstrings.Docstring:
    """The docstring of an experiment.

    Args:
        folder: experiments/NAME.

    Raises:
        InputError: when it has no title or lacks a heading.
    """
    path = folder / "__init__.py"
    about = docstrings.read(path)
    for name in ("Command", "Takes", "Found"):
        require(name in about.headings, f"{path}: its docstring has no line '{name}: …'")
    require(about.title, f"{path}: the first line of its docstring is empty: expected a title")
    return about


def records(folder: pathlib.Path) -> list[pathlib.Path]:
    """The folders of an experiment's committed records, the default preset's first."""
    return sorted(path.parent for path in folder.glob("records*/table.md"))


def text(folder: pathlib.Path, claimed: str = "") -> str:
    """The README of an experiment.

    Args:
        folder: experiments/NAME.
        claimed: The part about papers' claims, which stands above the results.

    Returns:
        Its Markdown, whose links are relative to the folder.
    """
    about = stated(folder)
    findings = folder / "findings.md"
    found = findings.read_text(encoding="utf-8").strip() if findings.is_file() else ""
    said = FIGURE.sub(
        lambda image: f"{image[0]}{_caption(folder / image[1])}", cells.filled(found, folder)
    )
    parts = [NOTICE, f"# {about.title.rstrip('.')}", _head(about), linked(about.prose), said]
    parts.append(linked(claimed))
    for record in records(folder):
        parts += _results(record, set(FIGURE.findall(found)))
    parts += [repeated.listed(folder), superseded.listed(folder)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(about: docstrings.Docstring) -> str:
    command = "\n".join(f"    {line}" for line in about.headings["Command"].splitlines())
    takes, found = (" ".join(about.headings[name].split()) for name in ("Takes", "Found"))
    return f"{command}\n\n- **Takes:** {takes}\n- **Found:** {found}"


def _results(record: pathlib.Path, shown: set[str]) -> list[str]:
    """The parts about a record: command, tables, figures not shown before, where it comes from."""
    preset = record.name.removeprefix("records").lstrip("_")
    paths = sorted(record.glob("*.svg"))
    figures = [figure_files.read(x) for x in paths if f"{record.name}/{x.name}" not in shown]
    command = commands.read(record)
    return [
        f"## Results, --preset={preset}" if preset else "## Results",
        f"    {command}" if command else "",
        headed((record / "table.md").read_text(encoding="utf-8"), figures),
        _provenance(record),
    ]


def _provenance(record: pathlib.Path) -> str:
    return f"{origin(record, record.name)} {confirmed.said(record)}"


def headed(markdown: str, figures: Sequence[figure_files.Figure] = ()) -> str:
    """A table.md whose titles are headings, with figures above their tables.

    A title is a line of its own that does not end in a period, as for the report page.

    Args:
        markdown: the table.md.
        figures: of the same record.
    """
    blocks, parts = chunks(markdown), []
    places = figure_files.placed(figures, [block for block in blocks if _is_title(block)])
    for block in blocks:
        if block.startswith("|") or _is_title(block):
            parts += map(_image, places.pop("", ()))
        parts.append(f"### {block}" if _is_title(block) else block)
        parts += map(_image, places.pop(block, ()))
    return "\n\n".join(parts)


def _image(figure):
    """The Markdown of a figure of a record."""
    name = f"{figure.path.parent.name}/{figure.path.name}"
    return f"![{figure.alt}]({name}){_caption(figure.path)}"


def _caption(path):
    """What follows the image of a file: its caption, where it has one."""
    caption = figure_files.read(path).caption if path.is_file() else ""
    return f"\n\n*{caption}*" if caption else ""


def chunks(text: str) -> list[str]:
    """What empty lines part."""
    return re.split(r"\n(?:[ \t]*\n)+", text.strip())


def _is_title(chunk: str) -> bool:
    """Whether it is a line that ends in no period; one that is bold as a whole is a sentence."""
    return "\n" not in chunk and chunk[0] not in "|-#*" and not chunk.endswith(".")


def linked(text: str) -> str:
    """A text in which every arXiv number is a link."""
    return re.sub(
        r"arXiv\s+(\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", text, flags=re.S
    )
