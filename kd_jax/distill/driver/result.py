"""What `kd.distill` found: records, a table with its verdict, and the students to take away."""

import dataclasses
import html
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from kd_jax.distill.driver import result_notes
from kd_jax.errors import InputError, require
from kd_jax.export.network import Network
from kd_jax.models import Model
from kd_jax.report import terminal_page
from kd_jax.report.comparison import Comparison, lost, score
from kd_jax.storage.record_files import Records

if TYPE_CHECKING:
    from kd_jax.distill.driver.problem import Problem


@dataclasses.dataclass(frozen=True)
class Result:
    """Students by several methods, compared with a baseline.

    Attributes:
        comparison: Their records, and what is said of them.
        students: {row: variables [S, …] of its students}.
        template: The Network of a student but for its variables.
    """

    comparison: Comparison
    students: dict[str, Any]
    template: Network

    @classmethod
    def of(
        cls,
        model: Model,
        students: dict[str, Any],
        records: list[dict],
        problem: "Problem",
        margin: float = 0.0,
    ):
        """The Result of measured students.

        Args:
            model: Their network.
            students: {row: variables [S, …]}, in the order of the table, the baseline first.
            records: Of all of them, and perhaps of the teacher.
            problem: That they were trained on.
            margin: Points of accuracy that make no difference.
        """
        by_row = {row: [r for r in records if r["row"] == row] for row in students}
        best = max(students, key=lambda row: score(by_row[row]))
        first, inputs = next(iter(students)), problem.splits["train"].inputs
        notes = [*problem.notes, *result_notes.notes(model, students, records, problem)]
        comparison = Comparison(records, first, best, problem.labeled, notes, margin)
        classes = [str(number) for number in range(problem.classes)]
        about = inputs.shape[1:], str(inputs.dtype), {"kind": "arrays"}
        return cls(comparison, students, Network(model, None, classes, *about))

    @property
    def records(self) -> list[dict]:
        """One per student, its row, seed, settings and metrics."""
        return list(self.comparison.records)

    @property
    def best(self) -> Network:
        """The student that was chosen: the best row's, with the fewest validation errors."""
        return self.best_of(self.comparison.best)

    def best_of(self, row: str) -> Network:
        """The student of a row with the fewest validation errors.

        Args:
            row: Of the table.

        Raises:
            InputError: There is no such row, or all its students diverged.
        """
        self._check_row(row)
        found = [r for r in self.records if r["row"] == row and not lost(r)]
        if not found:
            raise InputError(f"all students of {row} diverged: try a smaller learning rate")
        return self.student(row, min(found, key=_errors)["seed"])

    def student(self, row: str, seed: int = 0) -> Network:
        """One of the students.

        Args:
            row: Of the table.
            seed: Which of its students.

        Raises:
            InputError: There is no such row or seed.
        """
        self._check_row(row)
        leaves = jax.tree.leaves(self.students[row])
        if not 0 <= seed < len(leaves[0]):
            raise InputError(f"seed={seed}: expected 0 to {len(leaves[0]) - 1}")
        one = jax.tree.map(lambda x: np.asarray(x[seed]), self.students[row])
        return self.template._replace(variables=one)

    def _check_row(self, row):
        known = ", ".join(self.students)
        require(row in self.students, f"there is no row {row}: expected one of {known}")

    def predict(self, inputs: Any) -> np.ndarray:
        """The classes that `best` predicts; see export.network.Network.

        Args:
            inputs: [N, …].
        """
        return self.best.predict(inputs)

    def save(self, folder: str | os.PathLike) -> None:
        """Write `best` for kd.load; see export.network.Network.

        Args:
            folder: A new one.
        """
        self.best.save(folder)

    def export(self, folder: str | os.PathLike, *formats: str) -> list[str]:
        """Write `best` for other programs; see export.network.Network.

        Args:
            folder: A new one.
            *formats: Like "onnx".
        """
        return self.best.export(folder, *formats)

    def to_pandas(self) -> Any:
        """The records as a pandas DataFrame."""
        return Records(self.records).to_pandas()

    def plot(self) -> Any:
        """A matplotlib figure: every method's difference to the baseline, with its interval."""
        from kd_jax.report import comparison_figure  # here, as it needs matplotlib

        return comparison_figure.drawn(self.comparison)

    def page(self, notes: Sequence[str]) -> str:
        """The table drawn to fit the terminal, in Markdown elsewhere, with these notes below it.

        Args:
            notes: A line each, in place of all that there are.
        """
        said = self.comparison._replace(notes=notes)
        return terminal_page.shown(said.markdown(), said.text).rstrip()

    def __str__(self) -> str:
        return self.page(self.comparison.notes)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        header, cells = self.comparison.columns()
        rows = "".join(f"<tr>{_cells('td', row)}</tr>" for row in cells)
        under = "".join(
            f"<p><small>{html.escape(line)}</small></p>" for line in self.comparison.under()
        )
        first = f"<p><b>{html.escape(self.comparison.sentence())}</b></p>"
        return f"{first}<table><tr>{_cells('th', header)}</tr>{rows}</table>{under}"


def _cells(tag, row):
    return "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in row)


def _errors(record):
    return record["validation_errors"], record["validation_nll"]
