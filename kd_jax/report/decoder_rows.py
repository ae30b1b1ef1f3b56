"""What the table of a decoder's students is made of: records, sums by text, and their verdicts."""

import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax.metrics import statistics
from kd_jax.metrics.statistics import Paired
from kd_jax.report import grouped
from kd_jax.storage import jsonl

TEACHER = "teacher"
NAME = "lm.json"  # what the table needs besides records
MEASURES = {  # metric: (title, factor, digits, whether lower is better)
    "kl": ("KL(t‖s), nats", 1, 3, True),
    "nll": ("NLL, nats", 1, 3, True),
    "agreement": ("same token, %", 100, 1, False),
    "acceptance": ("accepted drafts, %", 100, 1, False),
}
ACROSS = {  # of students with tokens of their own
    "uld": ("ULD", 1, 3, True),
    "nll": ("NLL, nats", 1, 3, True),
}
OF = {"uld": "pairs"}  # the tokens that a metric is the mean over, if not all that count
WRITTEN = "tokens of an answer", "their entropy, nats"
DRAFTED = "accepted in sampling, %", "tokens per teacher's call"
SPEED, TEACHER_SPEED = "generated", "generated_by_teacher"  # of the start's record, in turns
Sums = dict[str, np.ndarray]


class Rows(NamedTuple):
    """What a table is made of.

    Attributes:
        said: What `remember` wrote.
        records: By row, ordered by seed.
        sums: Of every row and seed, {row: {seed: {metric: [texts], "tokens": …}}}.
    """

    said: dict[str, Any]
    records: dict[str, list[dict]]
    sums: dict[str, dict[int, Sums]]

    @property
    def unjudged(self) -> str:
        """Why there are no verdicts, of whatever seeds and texts; "": there are."""
        return self.said.get("unjudged", "")  # which earlier runs did not write

    @property
    def measures(self) -> dict[str, tuple[str, int, int, bool]]:
        """MEASURES, or those of students whose tokens are not the teacher's."""
        first = next(iter(self.records.values()))[0]
        return ACROSS if "test_uld" in first else MEASURES


def remember(run: Any, start: str, baseline: str, kept: str, notes: Sequence[str]) -> None:
    """Write what the table of a run needs besides its records.

    Args:
        run: A run_folder.Run that is open.
        start: The row of the untrained student.
        baseline: The row of SFT.
        kept: The row of which a student is kept.
        notes: Facts of the texts.
    """
    said = {"start": start, "baseline": baseline, "kept": kept, "notes": [*notes]}
    run.write(NAME, jsonl.text([said | {"unjudged": run.unjudged}]))


def file_of(number: int, seed: int) -> str:
    """The name of the file with the sums of a row's student, without its ending.

    Args:
        number: Of the row, as they were begun.
        seed: Of the student.
    """
    return f"texts-{number}-{seed}"


def read(folder: pathlib.Path) -> Rows:
    """The Rows of a run folder.

    Args:
        folder: Of the run.
    """
    records = grouped.by_row(jsonl.records(folder))
    sums: dict[str, dict[int, Sums]] = {row: {} for row in records}
    for row, found in records.items():
        for each in found:
            path = folder / f"{file_of(each['number'], each['seed'])}.npz"
            with np.load(path, allow_pickle=False) as stored:
                sums[row][each["seed"]] = {name: stored[name] for name in stored.files}
    return Rows(jsonl.only(folder / NAME), records, sums)


def differences(
    ours: dict[int, Sums], theirs: dict[int, Sums], metric: str
) -> Float[np.ndarray, "U N"]:
    """Of every student and text, numbers whose mean is the difference of means per token.

    The mean over tokens m = Σ d_n / Σ L_n is a ratio; N L̄⁻¹-scaled residuals around it have its
    variance: x_n = m + (d_n − m L_n) / L̄.

    Args:
        ours: Sums of a row's students, by seed.
        theirs: Of another's, paired by seed; or of one, which is paired with all.
        metric: One of the sums.

    Returns:
        The numbers [students, texts].

    Source:
        Cochran 1977, Sampling Techniques, section 2.11 (variance of a ratio).
    """
    if len(theirs) == 1:
        theirs = dict.fromkeys(ours, *theirs.values())
    lengths = np.float64(next(iter(ours.values()))[OF.get(metric, "tokens")])
    found = []
    for seed in [seed for seed in ours if seed in theirs]:
        a, b = ours[seed], theirs[seed]
        d = a[metric] - b[metric]
        mean = d.sum() / lengths.sum()
        found.append(mean + (d - mean * lengths) / lengths.mean())
    return np.stack(found)


def compared(rows: Rows, row: str, baseline: str, metric: str) -> Callable[..., Paired]:
    """The comparison of a row with another, as statistics.together takes it.

    Args:
        rows: Of the table.
        row: Its name.
        baseline: The other's.
        metric: One of MEASURES.
    """
    _, factor, _, lower = (MEASURES | ACROSS)[metric]
    found = factor * differences(rows.sums[row], rows.sums[baseline], metric)
    if len(found) > 1:
        return functools.partial(statistics.crossed, found, lower_is_better=lower)
    zeros = np.zeros(found.shape[1])
    return functools.partial(statistics.paired, found[0], zeros, lower_is_better=lower)


def trained(rows: Rows) -> list[str]:
    """The rows of trained students that are compared with SFT."""
    others = TEACHER, rows.said["start"], rows.said["baseline"]
    return [row for row in rows.records if row not in others]


def verdicts(rows: Rows, baseline: str) -> dict[str, dict[str, Paired]]:
    """{metric: {row: its difference to a baseline}}, corrected for all of these (Holm).

    Args:
        rows: Of the table.
        baseline: A row.
    """
    names = [row for row in [rows.said["baseline"], *trained(rows)] if row != baseline]
    names = [row for row in names if row in rows.records]
    tests = {
        (metric, row): compared(rows, row, baseline, metric)
        for metric in rows.measures
        for row in names
    }
    found = statistics.together(tests, judges=not rows.unjudged)
    return {metric: {row: found[metric, row] for row in names} for metric in rows.measures}
