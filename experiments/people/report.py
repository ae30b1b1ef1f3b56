"""Table of McCaffrey's teacher-student demo: published accuracies and paired differences."""

import pathlib
from collections.abc import Iterator

from experiments.people.rows import LABELS, PAPER, TEACHER
from kd_jax.report import tables
from kd_jax.storage import jsonl


def members(records: list[dict]) -> Iterator[dict]:
    """The records with seeds (of the teacher, of the student), so that each pair is one member.

    A teacher's record stands beside each of its students.
    """
    pairs = [(_teacher(r), r["seed"]) for r in records if r["row"] != TEACHER]
    for r in records:
        own = (_teacher(r), r["seed"])
        beside = [pair for pair in dict.fromkeys(pairs) if pair[0] == own[0]]
        for pair in beside if r["row"] == TEACHER else [own]:
            yield r | {"seed": pair}


def _teacher(record):
    """The number of the teacher; in the oldest records each seed has its own."""
    return record.get("teacher_seed", record["seed"])


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder, a table per split."""
    records, text = jsonl.records(folder), []
    rows, pairs = tables.by_row(records), list(members(records))
    for number, (split, size) in enumerate((("train", 200), ("test", 40))):
        against_labels, against_teacher = (
            tables.compare(pairs, f"{split}_accuracy", baseline, lower_is_better=False)
            for baseline in (LABELS, TEACHER)
        )
        header = [
            f"method, {size} {split} rows", "paper", "accuracy", "vs. labels only [95 %]",
            "verdict", "vs. teacher [95 %]", "verdict",
        ]  # fmt: skip
        lines = [
            [
                one.row,
                f"{PAPER[one.row][number]:.4f}" if one.row in PAPER else "–",
                tables.mean_and_sd(tables.values(rows[one.row], f"{split}_accuracy"), 4),
                tables.difference(one, 4),
                tables.verdict(one),
                tables.difference(other, 4),
                tables.verdict(other),
            ]
            for one, other in zip(against_labels, against_teacher)
        ]
        text.append(tables.markdown(header, lines))
    return "\n".join(text)


def draw(folder: pathlib.Path) -> None:
    """No figure."""
