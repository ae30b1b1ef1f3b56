"""What the table and the figure of a run of encoders need besides its records."""

import pathlib
from typing import Any

import numpy as np

from kd_jax.report import figures, roles
from kd_jax.report.encoder_comparison import TITLES, EncoderComparison
from kd_jax.storage import jsonl

NAME, EXAMPLES = "comparison.json", "examples.npz"


def remember(run: Any, comparison: EncoderComparison) -> None:
    """Write it.

    Args:
        run: A run_folder.Run that is open.
        comparison: Of its records.
    """
    said = comparison._asdict()
    del said["records"]
    flat = [
        (row, seed, x) for row, found in said.pop("examples").items() for seed, x in found.items()
    ]
    run.save(EXAMPLES, values=np.stack([x for *_, x in flat]))
    said |= {"notes": list(said["notes"]), "rows": [list(key) for *key, _ in flat]}
    run.write(NAME, jsonl.text([said]))


def read(folder: pathlib.Path) -> EncoderComparison:
    """The EncoderComparison of a run.

    Args:
        folder: Of the run.
    """
    said = jsonl.only(folder / NAME)
    examples: dict[str, dict[int, np.ndarray]] = {}
    with np.load(folder / EXAMPLES, allow_pickle=False) as stored:
        for (row, seed), values in zip(said.pop("rows"), stored["values"]):
            examples.setdefault(row, {})[seed] = values
    said["best"] = said["best"] and tuple(said["best"])
    return EncoderComparison(jsonl.records(folder), examples, **said)


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder.

    Args:
        folder: Of the run.
    """
    return read(folder).markdown()


def draw(folder: pathlib.Path) -> None:
    """Draw quality against speed.

    Args:
        folder: Of the run.
    """
    save(read(folder), folder / "quality_by_speed.svg")


def save(comparison: EncoderComparison, path: pathlib.Path) -> None:
    """Write the figure: the mean of the measure compared by, of each row at its speed.

    Args:
        comparison: What is drawn.
        path: Of the file.
    """
    measure = TITLES[comparison.primary]
    caption = (
        f"Quality by speed: {measure} of each encoder, beside the texts per second that it reads. "
        "A mark is one training; a cross is an encoder that was not trained."
    )
    with figures.figure(path, size=(6.0, 3.8), caption=caption) as axes:
        for row, role in roles.styles(comparison.examples).items():
            found = comparison.examples[row].values()
            speed = comparison.cost(row)["sentences_per_second"]
            mark = role.marker if row in comparison.trained() else "x"
            values = [100 * x.mean() for x in found]
            axes.plot([speed] * len(values), values, mark, color=role.color, label=row)
        axes.set(xlabel="texts per second", ylabel=measure)
        figures.legend(axes)
