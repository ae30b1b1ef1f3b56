"""A finished run as the report page shows it: its finding, command, settings, tables, figures."""

import base64
import datetime
import functools
import json
import os
import pathlib
import re
import urllib.parse
from collections.abc import Sequence
from typing import Any, NamedTuple

from kd_jax.errors import require
from kd_jax.report import closing, commands, docstrings, figure_files, manifests, markdown_blocks
from kd_jax.report.markdown_blocks import TextBlock
from kd_jax.report.publishing import front_page, publish
from kd_jax.storage import manifest

LINKED = ("manifest.json", "config.json", "records.jsonl", "table.md", "command.txt")
HEAD = ("experiment", "finished", "seconds", "device", "commit")  # the rest of a manifest is folded
Pairs = list[tuple[str, str]]
Image = tuple[figure_files.Figure, str]  # with its data URI


class ShownRun(NamedTuple):
    """A finished run as the page shows it, in texts.

    finding: a sentence. minutes: with those for teachers that stood ready. settings, provenance:
    (name, value). links: (file, address). blocks: of its table.md, with figures above their tables.
    figures: the first one is the card's.
    """

    name: str
    experiment: str
    anchor: str
    about: str
    finding: str
    command: str
    facts: dict[str, str]
    minutes: str
    settings: Pairs
    provenance: Pairs
    links: Pairs
    blocks: list[TextBlock]
    figures: list[Image]


def shown(run: pathlib.Path, name: str, place: pathlib.Path) -> ShownRun:
    """A finished run as the page shows it.

    Args:
        run: its folder.
        name: what the page calls it.
        place: the folder that the page will lie in.

    Raises:
        InputError: something of it is missing or damaged; or another error of `errors.DAMAGED`.
    """
    said = manifest.read(run)
    for key in HEAD:
        require(key in said, f"{run}/manifest.json has no '{key}': publish or run it again")
    for file in ("table.md", "config.json"):  # a pipe would be waited for
        require((run / file).is_file(), f"{run} has no {file}: publish or run it again")
    moment = datetime.datetime.fromisoformat(said["finished"])
    about, text = purpose(said["experiment"]), (run / "table.md").read_text(encoding="utf-8")
    committed = run.name == "records" and run.is_relative_to(publish.ROOT / "experiments")
    stated = about if committed else None
    settings = flat(json.loads((run / "config.json").read_text(encoding="utf-8")))
    figures = [(figure, data_uri(figure.path)) for figure in figure_files.below(run)]
    figures.sort(key=functools.partial(_rank, run))
    return ShownRun(
        name=name,
        experiment=said["experiment"],
        anchor=re.sub(r"\W+", "-", name),
        about=about.title if about else "",
        finding=f"{front_page.first_sentence(stated)}." if stated else closing.headline(text),
        command=commands.read(run) or (about.headings["Command"] if about else ""),
        facts={
            "preset": dict(settings)["preset"],
            "finished": f"{moment.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            "took": manifests.duration(said),
            "device": said["device"],
            "commit": manifests.commit(said),
        },
        minutes=front_page.minutes(run.parent)
        if stated
        else front_page.in_minutes(manifests.whole(said)),
        settings=settings,
        provenance=flat({key: value for key, value in said.items() if key not in HEAD}),
        links=[(file, link(run / file, place)) for file in LINKED if (run / file).is_file()],
        blocks=illustrated(markdown_blocks.parse(text), figures),
        figures=figures,
    )


def _rank(run, image):
    """Where findings name a figure of a committed record: the card and tables have those first."""
    findings = run.parent / "findings.md"
    said = findings.read_text(encoding="utf-8") if findings.is_file() else ""
    found = said.find(f"({run.name}/{image[0].path.name})")
    return found if found >= 0 else len(said)


def purpose(experiment: str) -> docstrings.Docstring | None:
    """The docstring of an experiment; None when there is none of that name."""
    packages = (publish.ROOT / "experiments").glob("*/__init__.py")
    scripts = {path.parent.name: path for path in packages}
    return docstrings.read(scripts[experiment]) if experiment in scripts else None


def illustrated(blocks: Sequence[TextBlock], figures: Sequence[Image]) -> list[TextBlock]:
    """Blocks with a further one, of kind "figures", above each table that has any.

    Args:
        blocks: of a table.md.
        figures: of the same run.
    """
    addresses = dict(figures)
    titles = [block.content for block in blocks if block.kind == "title"]
    places = figure_files.placed(addresses, titles)

    def of(title):
        images = [(figure, addresses[figure]) for figure in places.pop(title, ())]
        return [TextBlock("figures", images)] if images else []

    found: list[TextBlock] = []
    for block in blocks:
        if block.kind in ("title", "table"):
            found += of("")
        found += [block, *(of(block.content) if block.kind == "title" else ())]
    return found + of("")


def flat(value: Any, path: tuple[str, ...] = ()) -> Pairs:
    """[(names joined by a comma, text)] of every value within JSON objects or lists of these."""
    if isinstance(value, dict):
        return [line for name, inner in value.items() for line in flat(inner, (*path, name))]
    if isinstance(value, list) and any(isinstance(x, dict) for x in value):
        return flat({str(number): inner for number, inner in enumerate(value, 1)}, path)
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return [(", ".join(path), text)]


def link(path: pathlib.Path, place: pathlib.Path) -> str:
    """The relative address of a file as seen from the folder of the page."""
    return urllib.parse.quote(os.path.relpath(path.resolve(), place.resolve()))


def data_uri(path: pathlib.Path) -> str:
    """An SVG file as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
