"""The results on one page: `./run.sh report [WORKDIR]`.

Without a folder it shows the committed records and is written to runs/records/report.html, else the
runs below the folder, in whose report.html it lies. It needs nothing beside it: style and figures
are in the file, and only its links lead to manifests and records.
"""

import base64
import datetime
import json
import os
import pathlib
import re
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kd_jax.errors import DAMAGED, InputError, extra, one_line, require
from kd_jax.report import commands, docstrings, list_runs, manifests, markdown_blocks, publish
from kd_jax.storage import jsonl, manifest

with extra("report"):
    import jinja2
    from PIL import Image

OF_RECORDS = pathlib.Path("runs", "records")  # where the page of the committed records lies
LINKED = ("manifest.json", "config.json", "records.jsonl", "table.md", "command.txt")
HEAD = ("experiment", "finished", "seconds", "device", "commit")  # the rest of a manifest is folded
Pairs = list[tuple[str, str]]


class ShownRun(NamedTuple):
    """A finished run as the page shows it, in texts.

    seconds: with those for teachers that stood ready. settings, provenance: (name, value). links:
    (file, address). blocks: of its table.md. figures: (caption, data URI).
    """

    name: str
    anchor: str
    about: str
    command: str
    facts: dict[str, str]
    seconds: str
    settings: Pairs
    provenance: Pairs
    links: Pairs
    blocks: list[markdown_blocks.TextBlock]
    figures: Pairs


def write(folder: str | os.PathLike | None = None) -> pathlib.Path:
    """Write the page of the runs below a folder, or of the committed records.

    Args:
        folder: the --workdir of the runs; None for the committed records.

    Returns:
        The path of the page.

    Raises:
        InputError: there is no finished run, or the page cannot be written.
    """
    if folder is None:
        source, place, runs = "the committed records", OF_RECORDS, publish.all_records()
    else:
        place = pathlib.Path(folder)
        source, runs = str(place), below(place)
    finished, others = gathered(runs, place)
    require(finished, f"{source} holds no finished run to report: ./run.sh makes the first one")
    path = place / "report.html"
    try:
        place.mkdir(parents=True, exist_ok=True)
        jsonl.write_whole(path, rendered(source, finished, others))
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): make room there") from None
    return path


def below(workdir: pathlib.Path) -> dict[str, pathlib.Path]:
    """{name: run folder} of all runs below a workdir, by experiment."""
    runs = sorted(list_runs.below(workdir), key=lambda run: run.parent.name)
    return {run.relative_to(workdir).as_posix(): run for run in runs}


def gathered(
    runs: Mapping[str, pathlib.Path], place: pathlib.Path
) -> tuple[list[ShownRun], list[tuple[str, str, str]]]:
    """The finished runs, and (name, state, line) of all others.

    Args:
        runs: {name: run folder}.
        place: the folder that the page will lie in.
    """
    finished, others = [], []
    for name, run in runs.items():
        try:
            state, line = list_runs.state(run)
            if state == list_runs.FINISHED:
                finished.append(shown(run, name, place))
                continue
        except DAMAGED as error:
            state, line = list_runs.FAILED, str(error)
        others.append((name, state, line))
    return finished, others


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
    about, synopsis = purpose(said["experiment"])
    settings = flat(json.loads((run / "config.json").read_text(encoding="utf-8")))
    return ShownRun(
        name=name,
        anchor=re.sub(r"\W+", "-", name),
        about=about,
        command=commands.read(run) or synopsis,
        facts={
            "preset": dict(settings)["preset"],
            "finished": f"{moment.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            "took": manifests.duration(said),
            "device": said["device"],
            "commit": manifests.commit(said),
        },
        seconds=f"{manifests.whole(said):,.0f}",
        settings=settings,
        provenance=flat({key: value for key, value in said.items() if key not in HEAD}),
        links=[(file, link(run / file, place)) for file in LINKED if (run / file).is_file()],
        blocks=markdown_blocks.parse((run / "table.md").read_text(encoding="utf-8")),
        figures=[figure(path) for path in sorted(run.glob("*.png")) if path.is_file()],
    )


def purpose(experiment: str) -> tuple[str, str]:
    """(first line, command) of an experiment's docstring; empty when there is none of that name."""
    packages = (publish.ROOT / "experiments").glob("*/__init__.py")
    scripts = {path.parent.name: path for path in packages}
    if experiment not in scripts:
        return "", ""
    about = docstrings.read(scripts[experiment])
    return about.title, about.headings["Command"]


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


def figure(path: pathlib.Path) -> tuple[str, str]:
    """(caption, data URI) of a PNG file, named by what it shows.

    Raises:
        InputError: it is damaged.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.verify()
    except Exception as error:  # of many types, by what is damaged
        raise InputError(f"{path} is no sound PNG image ({error}): draw it again") from None
    content = base64.b64encode(path.read_bytes()).decode()
    return path.stem.replace("_", " "), f"data:image/png;base64,{content}"


def rendered(
    source: str, finished: Sequence[ShownRun], others: Sequence[tuple[str, str, str]]
) -> str:
    """The page's HTML; whatever comes from files is escaped.

    Args:
        source: what the runs are of, in words.
        finished: the runs to show.
        others: (name, state, line) of runs that are listed only.
    """
    here = jinja2.FileSystemLoader(pathlib.Path(__file__).parent)
    environment = jinja2.Environment(
        loader=here,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    reproduced, count = markdown_blocks.reproduced, markdown_blocks.count
    environment.globals |= {"reproduced": reproduced, "count": count}
    environment.filters["verdict"] = markdown_blocks.verdict
    text = environment.get_template("page.html").render(
        source=source,
        finished=finished,
        others=others,
        with_papers=[run for run in finished if reproduced(run.blocks)],
    )
    return text.encode(errors="replace").decode()  # JSON may hold halves of characters


if __name__ == "__main__":
    with one_line():
        require(len(sys.argv) < 3, "expected one argument at most, the --workdir of the runs")
        print(write(*sys.argv[1:]))
