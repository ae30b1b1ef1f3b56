"""What validation chooses: a learning rate for each weight of the labels, and a weight."""

import json
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.hyperparameters.rows import LABELS, SOFT
from kd_jax.report import chosen_numbers, grouped
from kd_jax.report.publishing import confirmed
from kd_jax.storage import jsonl

Records = list[grouped.Record]


def students(records: Records) -> Records:
    """Those of the records that have a learning rate: of students, labels only first."""
    found = [r for r in records if "rate" in r]
    return sorted(found, key=lambda r: -r["label_weight"])


def of_row(records: Records, row: str) -> Records:
    """The records of a row."""
    return [r for r in records if r["row"] == row]


def tried(folder: pathlib.Path) -> list[float]:
    """The learning rates of a run, ascending."""
    return sorted(
        json.loads((folder / "config.json").read_text(encoding="utf-8"))["learning_rates"]
    )


def choosing(folder: pathlib.Path) -> Records:
    """The records of students on which a run chooses: of the exploration if it has the same rows.

    Args:
        folder: Of the run.
    """
    own = students(jsonl.records(folder))
    found = students(confirmed.choosing(folder, "hyperparameters"))
    known = {(r["row"], r["rate"]) for r in found}
    return found if {(r["row"], r["rate"]) for r in own} == known else own


def best(field: str, records: Records) -> float:
    """The value of a field with the fewest validation errors; on a tie, the lower NLL there.

    A value at which some students diverged, so that it has fewer records, is not chosen.

    Args:
        field: "rate" or "label_weight".
        records: Of all values.
    """
    found = grouped.by(field, records)
    whole = max(map(len, found.values()))

    def score(value):
        errors, nll = (
            np.mean(grouped.values(found[value], f"validation_{name}"))
            for name in ("errors", "nll")
        )
        return errors, nll

    return min((value for value, of in found.items() if len(of) == whole), key=score)


def rates(records: Records) -> dict[str, float]:
    """{row: its best rate}.

    Args:
        records: Of students, on which rates are chosen.
    """
    return {row: best("rate", of) for row, of in grouped.by_row(records).items()}


def at(records: Records, chosen: Mapping[str, float]) -> Records:
    """The records of each row at the rate that was chosen for it."""
    return [r for r in records if chosen.get(r["row"]) == r["rate"]]


def mixture(records: Records) -> str:
    """The row with the fewest validation errors of those that have labels and soft targets.

    Args:
        records: Of students at the best rate of their row, on which the weight is chosen.
    """
    inside = [r for r in records if r["row"] not in (LABELS, SOFT)]
    return of_weight(inside, best("label_weight", inside))


def of_weight(records: Records, weight: float) -> str:
    """The row that has a weight of the labels."""
    return next(r["row"] for r in records if r["label_weight"] == weight)


def by_teacher(records: Records) -> list[float]:
    """The best rate of the students of each teacher, each chosen by what its own students do.

    Args:
        records: Of one row.
    """
    return [best("rate", of) for _, of in sorted(grouped.by("teacher_seed", records).items())]


def star(value: float, tried: Sequence[float]) -> str:
    """What stands behind a value at the edge of what was tried, and behind others nothing."""
    return "*" * chosen_numbers.is_edge(value, tried)


def mark(value: float, chosen: float, tried: Sequence[float]) -> str:
    """What stands behind a value: whether it was chosen, and then a star at the edge."""
    return f"{star(value, tried)} (chosen)" if value == chosen else ""


def nearest(wanted: float, among: Sequence[float]) -> float | None:
    """The rate nearest to the wanted one, if it lies within a quarter of a decade of it."""
    distance, found = min((abs(np.log10(rate / wanted)), rate) for rate in among)
    return found if distance < 0.25 else None
