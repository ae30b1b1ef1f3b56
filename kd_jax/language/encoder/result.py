"""What `kd.distill_encoder` found: records, a table with its verdict, encoders to take away."""

import dataclasses
import html
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kd_jax.errors import InputError, require
from kd_jax.language.encoder import card, students
from kd_jax.language.encoder.measures import Examples
from kd_jax.language.encoder.problem import Problem
from kd_jax.pretrained.encoder import Encoder
from kd_jax.report import terminal_page
from kd_jax.report.comparison import lost
from kd_jax.report.encoder_comparison import EncoderComparison


@dataclasses.dataclass(frozen=True)
class EncoderResult:
    """Students of an encoder, compared with their cuts and their teacher.

    Attributes:
        comparison: Their records, and what is said of them.
        problem: What they have learned.
        learned: (row, seed) -> the parameters that a student has learned.
    """

    comparison: EncoderComparison
    problem: Problem
    learned: Callable[[str, int], Any]

    @property
    def records(self) -> list[dict]:
        """One per encoder: its row, seed and measures."""
        return list(self.comparison.records)

    @property
    def best(self) -> Encoder:
        """The student that was chosen.

        Raises:
            InputError: All have diverged.
        """
        if self.comparison.best is None:
            raise InputError("all students diverged: try a smaller learning rate")
        return self.student(*self.comparison.best)

    def student(self, row: str, seed: int = 0) -> Encoder:
        """One of the students.

        Args:
            row: Of the table.
            seed: Which of its students.

        Raises:
            InputError: There is no such row or seed.
        """
        rows = {each.name: each for each in self.problem.rows}
        require(row in rows, f"there is no row {row}: expected one of {'; '.join(rows)}")
        most = self.problem.seeds - 1
        require(0 <= seed <= most, f"seed={seed}: expected 0 to {most}")
        teacher = self.problem.teacher
        student = self.problem.student(rows[row].layers, seed)
        params = {**student.params, **self.learned(row, seed)}
        found = students.encoder_of(teacher, student, params)
        found.card = card.of_library(self.problem, self.comparison, row, seed, found)
        return found

    def best_of(self, layers: int) -> tuple[str, int] | None:
        """(row, seed) of the student that is chosen among those of so many layers, or None.

        Args:
            layers: How many.
        """
        rows = [each.name for each in self.problem.rows if each.layers == layers]
        return chosen([r for r in self.records if r["row"] in rows], self.comparison.primary)

    def save(self, folder: str | os.PathLike) -> None:
        """Write `best`; see Encoder.save.

        Args:
            folder: As for that.
        """
        self.best.save(folder)

    def page(self, notes: Sequence[str]) -> str:
        """The tables drawn to fit the terminal, in Markdown elsewhere, with these notes below.

        Args:
            notes: A line each.
        """
        said = self.comparison._replace(notes=notes)
        return terminal_page.shown(said.markdown(), said.text).rstrip()

    def __str__(self) -> str:
        return self.page(self.comparison.notes)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.comparison.text(120))}</pre>"


def chosen(records: Sequence[dict], primary: str) -> tuple[str, int] | None:
    """(row, seed): of the row that is best on average, the best; None where all diverged.

    Args:
        records: Of students.
        primary: The measure, of the texts for the choice.
    """
    name, kept = f"dev_{primary}", [r for r in records if not lost(r)]
    if not kept:
        return None
    rows = list(dict.fromkeys(r["row"] for r in kept))

    def mean(row):
        return float(np.mean([r[name] for r in kept if r["row"] == row]))

    best = max(rows, key=mean)  # the first of equals
    own = [r for r in kept if r["row"] == best]
    return best, max(own, key=lambda r: (r[name], -r["train_loss"]))["seed"]


def concluded(
    problem: Problem,
    records: Sequence[dict],
    examples: Mapping[tuple[str, int], Examples],
    learned: Callable[[str, int], Any],
) -> EncoderResult:
    """The EncoderResult of what was measured.

    Args:
        problem: What was asked for.
        records: Of the teacher, of cuts and of students.
        examples: {(row, seed): {measure: a number for each held-out text}}.
        learned: (row, seed) -> parameters.
    """
    own = problem.primary
    of_rows: dict[str, dict[int, np.ndarray]] = {}
    for (row, seed), found in examples.items():
        if own in found:
            of_rows.setdefault(row, {})[seed] = problem.tested(found)[own]
    trained = {row.name for row in problem.rows}
    best = chosen([r for r in records if r["row"] in trained], own)
    (costs,) = (r["costs"] for r in records if "costs" in r)
    few = problem.task.few.per_class
    comparison = EncoderComparison(records, of_rows, own, best, costs, problem.notes, few)
    return EncoderResult(comparison, problem, learned)
