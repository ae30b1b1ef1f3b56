"""The table of a decoder's students: beside the teacher, against SFT and against their start."""

import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax.errors import counted
from kd_jax.metrics import statistics
from kd_jax.metrics.statistics import Paired
from kd_jax.report import tables
from kd_jax.report.published import DASH
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
DRAFTED = "accepted in sampling, %", "tokens per teacher's call"
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
    run.write(NAME, jsonl.text([said]))


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
    records = tables.by_row(jsonl.records(folder))
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


def verdicts(rows: Rows, baseline: str, metric: str) -> dict[str, Paired]:
    """{row: its difference to a baseline}, corrected for the number of rows.

    Args:
        rows: Of the table.
        baseline: A row.
        metric: One of MEASURES.
    """
    names = [row for row in [rows.said["baseline"], *trained(rows)] if row != baseline]
    names = [row for row in names if row in rows.records]
    return statistics.together({row: compared(rows, row, baseline, metric) for row in names})


def sentence(rows: Rows) -> str:
    """What was found of the student that is kept, in a sentence."""
    kept, start = rows.said["kept"], rows.said["start"]
    baseline = rows.said["baseline"] if kept != rows.said["baseline"] else start
    if kept not in rows.records or baseline not in rows.records:
        return f"{kept}: its training diverged"
    parts = []
    for metric, (title, _, digits, _) in [*rows.measures.items()][:2]:
        found = verdicts(rows, baseline, metric)[kept]
        name, _, unit = title.partition(", ")
        parts.append(
            f"{name} {_signed(found, digits)}{' ' + unit if unit else ''} ({found.verdict})"
        )
    return f"{kept} against {baseline}: " + "; ".join(parts)


def _signed(found, digits):
    mean, low, high = (f"{x:+.{digits}f}" for x in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]".replace("-", "−")


def markdown(rows: Rows) -> str:
    """The tables of a run: quality, then differences to SFT and to the start."""
    start, baseline = rows.said["start"], rows.said["baseline"]
    text = [f"**{sentence(rows)}**", _quality(rows)]
    for other in (baseline, start):
        if other in rows.records and verdicts(rows, other, "nll"):
            text += [f"Against {other}, [95 %]:", _against(rows, other)]
    return "\n\n".join([*text, _notes(rows), ""])


def _quality(rows):
    lines = []
    for row, found in rows.records.items():
        cells = [
            tables.mean_and_sd([factor * r[f"test_{metric}"] for r in found], digits)
            for metric, (_, factor, digits, _) in rows.measures.items()
        ]
        size = f"{found[0]['parameters'] / 1e6:,.1f}"
        speed = next((f"{r['generated']:,.0f}" for r in found if "generated" in r), DASH)
        kept = f"{row} (kept)" if row == rows.said["kept"] else row
        drafts = _drafted(found) if rows.measures is MEASURES else []
        lines.append([kept, *cells, *drafts, size, speed])
    titles = [title for title, *_ in rows.measures.values()]
    drafted = DRAFTED if rows.measures is MEASURES else ()
    return tables.markdown(["row", *titles, *drafted, "parameters, M", "generated tokens/s"], lines)


def _drafted(records):
    """What was counted in speculative sampling, of all seeds together."""
    counted = [r for r in records if r.get("drafts_tested")]
    if not counted:
        return [DASH, DASH]

    def ratio(name, of):
        return sum(r[name] for r in counted) / sum(r[of] for r in counted)

    accepted = 100 * ratio("drafts_accepted", "drafts_tested")
    return [f"{accepted:.1f}", f"{ratio('drafts_written', 'teacher_calls'):.2f}"]


def _drafts(rows):
    """Of a call of the teacher."""
    of_rows = [r for found in rows.records.values() for r in found if r.get("drafts_tested")]
    return of_rows[0]["drafts_of_a_call"] if of_rows else "some"


def _against(rows, other):
    found = {metric: verdicts(rows, other, metric) for metric in rows.measures}
    lines = []
    for row in found["nll"]:
        cells = []
        for metric, (_, _, digits, _) in rows.measures.items():
            each = found[metric][row]
            cells += [_signed(each, digits), each.verdict]
        lines.append([row, *cells])
    titles = [x for title, *_ in rows.measures.values() for x in (title, "verdict")]
    return tables.markdown(["row", *titles], lines)


def _notes(rows):
    one = next(iter(rows.records.values()))[0]
    seeds = max(len(found) for found in rows.records.values())
    texts = len(rows.sums[next(iter(rows.sums))][one["seed"]]["tokens"])
    of = "texts" if seeds == 1 else f"texts and orders ({seeds} seeds)"
    per_token = f"Per token of {one['tokens']:,} that count in {counted(texts, 'held-out text')}."
    lines = [
        f"{per_token} {_legend(rows)} Generated: greedily, four texts at a time.",
        f"[95 %]: of the paired difference, for other {of}; verdicts are corrected for the rows "
        "of a column (Holm). All trained rows have the same start, steps and batches.",
        *rows.said["notes"],
    ]
    return "\n".join(f"- {line}" for line in lines)


def _legend(rows):
    """What the columns of a table say."""
    if rows.measures is ACROSS:
        pairs = next(iter(rows.records.values()))[0]["pairs"]
        return (
            "The student's tokens, also of the teacher's NLL of the same texts in its own. ULD: "
            f"Σ |t − s| of sorted probabilities, at most 2, before {pairs:,} of them, where both "
            "have read the same. t: teacher, s: student."
        )
    return (
        "t: teacher, s: student. Same token: the most probable one is the teacher's. Accepted "
        "drafts: Σ min(t, s), of the student's tokens those that speculative sampling keeps, at "
        "the prefixes of these texts; in sampling: counted where both write together, "
        f"{_drafts(rows)} drafts to a call of the teacher."
    )


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder.

    Args:
        folder: Of the run.
    """
    return markdown(read(folder))
