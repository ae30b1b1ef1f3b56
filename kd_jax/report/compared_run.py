"""What the records of a run are compared by, in comparison.json beside them."""

import pathlib
from typing import Any

from kd_jax.report import commands
from kd_jax.report.comparison import Comparison
from kd_jax.storage import jsonl

NAME = "comparison.json"
WIDTH = 76  # of a terminal's text in a page


def remember(run: Any, comparison: Comparison) -> None:
    """Write what the table and the figure of a run need besides its records.

    Args:
        run: A run_folder.Run that is open.
        comparison: Of its records.
    """
    said, recorded = comparison._asdict(), run.records()
    extra = [r for r in said.pop("records") if r not in recorded]
    said |= {"notes": list(said["notes"]), "teacher": extra}
    run.write(NAME, jsonl.text([said]))


def read(folder: pathlib.Path) -> Comparison:
    """The Comparison of a run.

    Args:
        folder: Of the run, or a committed record of it.
    """
    said = jsonl.only(folder / NAME)
    records = said.pop("teacher") + jsonl.records(folder)
    return Comparison(records, **said)


def terminal(folder: pathlib.Path) -> str:
    """The command of a run and what it printed at its end, as a block of Markdown.

    Args:
        folder: As for `read`.
    """
    lines, words = [], commands.read(folder).split(" ")
    for word in words:
        if lines and len(lines[-1]) + len(word) < WIDTH - 2:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}" if lines else f"$ {word}")
    shown = read(folder)._replace(notes=()).text(WIDTH).rstrip()
    return "```console\n" + " \\\n".join(lines) + f"\n{shown}\n```\n"
