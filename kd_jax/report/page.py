"""The results on one page: `./run.sh report [WORKDIR]`.

Without a folder it shows the committed records and is written to runs/records/report.html, else the
runs below the folder, in whose report.html it lies. It needs nothing beside it: style, script and
figures are in the file, and only its links lead to manifests and records. Without a script it shows
all of it too; the script sorts, filters and saves tables.
"""

import base64
import hashlib
import os
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kd_jax.errors import DAMAGED, InputError, extra, require
from kd_jax.report import list_runs, markdown_blocks, page_table
from kd_jax.report.page_run import ShownRun, shown
from kd_jax.report.publishing import publish
from kd_jax.storage import jsonl
from kd_jax.streams import one_line

with extra("report"):
    import jinja2

HERE = pathlib.Path(__file__).parent
OF_RECORDS = pathlib.Path("runs", "records")  # where the page of the committed records lies


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


class Compared(NamedTuple):
    """Runs of one experiment.

    runs: (name, anchor) of each. rows: (setting that differs, its value in each).
    """

    experiment: str
    runs: list[tuple[str, str]]
    rows: list[tuple[str, list[str]]]


def compared(finished: Sequence[ShownRun]) -> list[Compared]:
    """The runs of every experiment that has several, by the settings in which they differ.

    Args:
        finished: the runs to show.
    """
    found = []
    for experiment in dict.fromkeys(run.experiment for run in finished):
        runs = [run for run in finished if run.experiment == experiment]
        if len(runs) > 1:
            settings = [dict(run.settings) for run in runs]
            names = dict.fromkeys(name for each in settings for name in each)
            lines = [(name, [each.get(name, "–") for each in settings]) for name in names]
            rows = [(name, values) for name, values in lines if len(set(values)) > 1]
            rows += [("minutes", [run.minutes for run in runs])]
            rows += [("found", [run.finding or "–" for run in runs])]
            found.append(Compared(experiment, [(run.name, run.anchor) for run in runs], rows))
    return found


def rendered(
    source: str, finished: Sequence[ShownRun], others: Sequence[tuple[str, str, str]]
) -> str:
    """The page's HTML; whatever comes from files is escaped, and no script runs but its own.

    Args:
        source: what the runs are of, in words.
        finished: the runs to show.
        others: (name, state, line) of runs that are listed only.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    reproduced, script = markdown_blocks.reproduced, (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = environment.get_template("page.html").render(
        source=source,
        finished=finished,
        others=others,
        compared=compared(finished),
        with_papers=[run for run in finished if reproduced(run.blocks)],
        reproduced=reproduced,
        counted=page_table.counted,
        shown_table=page_table.of,
        script=script,
        script_digest=f"sha256-{digest}",
    )
    return text.encode(errors="replace").decode()  # JSON may hold halves of characters


if __name__ == "__main__":
    with one_line():
        require(len(sys.argv) < 3, "expected one argument at most, the --workdir of the runs")
        print(write(*sys.argv[1:]))
