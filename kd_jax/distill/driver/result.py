"""What `kd.distill` found: records, a table with its verdict, and the students to take away."""

import dataclasses
import html
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from kd_jax.errors import InputError, require
from kd_jax.export.network import Network
from kd_jax.models import Model
from kd_jax.report import terminal_page
from kd_jax.report.comparison import Comparison, lost, score
from kd_jax.storage.record_files import Records

if TYPE_CHECKING:
    from kd_jax.distill.driver.problem import Problem


SEEN = 0.05  # of accuracy, by which a teacher may be better on validation than on the test
HARM = 0.05  # of accuracy, from which a method's weight is doubted
ECE = 0.01  # by which a teacher may be worse calibrated without a word


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
        labels = [problem.splits[part].labels for part in ("validation", "test")]
        baseline = by_row[next(iter(students))]
        notes = [*problem.notes, *_of_teacher(records, baseline, *map(len, labels))]
        notes += [*_of_one_class(by_row, labels), *_of_weights(by_row, baseline)]
        first = next(iter(students))
        comparison = Comparison(records, first, best, problem.labeled, notes, margin)
        inputs = problem.splits["train"].inputs
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


def _of_teacher(records, baseline, rows, of_test):
    """What is odd about the teacher beside students of the baseline, a line each.

    rows: of validation; of_test: of the test. What may be chance on so few is not said.
    """
    teachers = [r for r in records if "temperature" not in r and "validation_accuracy" in r]
    kept = [r for r in baseline if not lost(r)]
    if not (teachers and kept):
        return []
    row, theirs = kept[0]["row"], teachers[0]

    def mean(metric):
        return float(np.mean([r[metric] for r in kept]))

    found = []
    right = theirs["validation_accuracy"], mean("validation_accuracy")
    spread = right[0] * (1 - right[0])  # of one row
    if right[1] - right[0] > 2 * np.sqrt(spread / rows):
        found.append(
            f"The teacher is right on {right[0]:.1%} of the validation rows, {row} on "
            f"{right[1]:.1%}: does it see rows as it learned them, and in this order of classes?"
        )
    better = theirs["validation_accuracy"] - theirs.get("test_accuracy", 1.0)
    if better > max(SEEN, 2 * np.sqrt(spread * (1 / rows + 1 / of_test))):
        found.append(
            f"The teacher is {100 * better:.0f} points better on validation than on the test: was "
            "it fitted on these rows? Then what it says of them misleads the choice and students."
        )
    nll = theirs.get("validation_nll", np.inf)  # of one that excludes a label
    if nll > mean("validation_nll") and theirs["validation_ece"] > mean("validation_ece") + ECE:
        found.append(
            f"The teacher is worse calibrated than {row} on validation: ECE "
            f"{theirs['validation_ece']:.3f} and NLL {nll:.3f} against "
            f"{mean('validation_ece'):.3f} and {mean('validation_nll'):.3f}; higher temperatures "
            "may help."
        )
    return found


def _of_weights(by_row, baseline):
    """A line for each method that does much harm at its one weight beside the labels."""
    found, level = [], score(baseline)[0]
    for row, records in by_row.items():
        first = next((r for r in records if not lost(r)), {})
        weights, beside = first.get("weights", []), first.get("label_weight", 0)
        harm = level - score(records)[0]
        if len(weights) == 1 and weights[0] and beside and harm > HARM:
            found.append(
                f"{row} at weight {weights[0]:g} loses {100 * harm:.0f} points on validation: let "
                "it choose from smaller ones, method.times((0.01, 0.1, 1)) or "
                "--weights=0.01,0.1,1."
            )
    return found


def _of_one_class(by_row, labels):
    """A line where all students of a row are right on one class and wrong on the others.

    So they are that many times on validation and on the test; by chance that is most unlikely.
    """
    counts = [np.bincount(each, minlength=max(map(np.max, labels)) + 1) for each in labels]
    wrong = set(zip(*(len(of) - count for of, count in zip(labels, counts))))
    rows = []
    for row, records in by_row.items():
        errors = {(r["validation_errors"], r["test_errors"]) for r in records if not lost(r)}
        if len(errors) == 1 and errors <= wrong:
            rows.append(row)
    return [
        f"All students of {row} seem to name one class for every row: train longer, or with "
        "another learning rate."
        for row in rows
    ]
