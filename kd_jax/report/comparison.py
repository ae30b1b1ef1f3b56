"""A comparison of methods as text: one sentence that says what was gained, and a table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_jax.metrics import statistics
from kd_jax.report import (
    chosen_numbers,
    contrasts,
    differences,
    grouped,
    tables,
    terminal,
    terminal_page,
)
from kd_jax.report.markdown_blocks import Table
from kd_jax.report.published import DASH

SAYS = {  # of a verdict
    statistics.BEATS: "the gain is real",
    statistics.WORSE: "{baseline} is the better choice here",
    statistics.INCONCLUSIVE: "that may be chance",
    statistics.EQUIVALENT: "less than the margin of {margin:g} points",
    statistics.NO_VERDICT: f"fewer than {statistics.FEWEST} seeds: no verdict",
}


class Comparison(NamedTuple):
    """The test of several methods against a baseline.

    Attributes:
        records: One per student; those that diverged have "diverged" and no metrics.
        baseline: The row that others are compared with.
        best: The row that was chosen on validation.
        labeled: Whether students are held against labels, or else against their teacher.
        notes: What else a person would want to know, a line each.
        margin: Points of accuracy that make no difference, stated beforehand; 0: none.
        unjudged: Why there are no verdicts, of whatever seeds and examples; "": there are.
    """

    records: Sequence[grouped.Record]
    baseline: str
    best: str
    labeled: bool = True
    notes: Sequence[str] = ()
    margin: float = 0.0
    unjudged: str = ""

    def lines(self) -> dict[str, contrasts.Line]:
        """{row: its accuracy in percent, in pairs with the baseline's}, in order.

        Paired are the seeds of which neither student diverged; rows of which all did are left out.
        """
        kept = {
            row: [_in_points(r) for r in records if not lost(r)]
            for row, records in grouped.by_row(self.records).items()
        }
        tests = {}
        for row in self.methods():
            ours, theirs = _paired(kept[row], kept.get(self.baseline, []))
            if ours and row != self.baseline:
                metric = "test_accuracy"
                tests[row] = differences.compared(ours, theirs, metric, lower_is_better=False)
        known = {row: test for row, test in tests.items() if test}
        paired = statistics.together(known, margin=self.margin, judges=not self.unjudged)
        return {
            row: contrasts.line_of(row, grouped.values(of, "test_accuracy"), paired.get(row))
            for row, of in kept.items()
            if of
        }

    def methods(self) -> dict[str, list[grouped.Record]]:
        """{row: records} of the students alone, without those of their teacher."""
        return grouped.by_row(r for r in self.records if "weight" in r)

    def sentence(self) -> str:
        """What the row chosen on validation gains over the baseline, and whether it is real."""
        lines = self.lines()
        trained = {row: of for row, of in self.methods().items() if row in lines}
        others = [row for row in trained if row != self.baseline]
        if not trained:
            return "All students diverged: try a smaller learning rate."
        if self.baseline not in trained:
            return (
                f"All students of {self.baseline} diverged, so that nothing can be compared with "
                "them: try a smaller learning rate."
            )
        if not others:
            return f"There are students of {self.baseline} alone: nothing to compare them with."
        if self.best == self.baseline:
            second = max(others, key=lambda row: score(trained[row]))
            change, verdict = self._change(lines[second])
            closest = f"of the others {second} came closest" if others[1:] else second
            says = f", {verdict}" if judged(verdict) else f"; {self._says(verdict)}"
            return f"{self.baseline} did best on validation; {closest}: {change}{says}."
        change, verdict = self._change(lines[self.best])
        first = f"{verdict}: " if judged(verdict) else ""
        return f"{first}{self.best} against {self.baseline}: {change}; {self._says(verdict)}."

    def _says(self, verdict):
        """What a verdict means, or why there is none."""
        return self.unjudged or SAYS[verdict].format(baseline=self.baseline, margin=self.margin)

    def _change(self, line):
        """A line's difference to the baseline in words, and its verdict."""
        if line.paired is None:
            return "no seed of which neither student diverged", statistics.NO_VERDICT
        what = "accuracy" if self.labeled else "agreement"
        mean, low, high = map(_signed, line.paired[:3])
        change = f"{mean} points of test {what}"
        if line.paired.mean == 0 and not has_interval(line) and judged(line.paired.verdict):
            change = f"no difference in test {what} in any pair of students"
        elif has_interval(line):
            change += f" [{low}, {high}]"
        return change, line.paired.verdict

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """The table's titles and cells, the most important columns first."""
        lines, rows = self.lines(), grouped.by_row(self.records)
        what = "accuracy" if self.labeled else "agreement"
        header = ["method", "verdict", f"{what}, %", f"vs. {self.baseline} [95 %]"]
        known = {name for record in self.records for name in record}
        of_labels = {"NLL": "test_nll", "ECE": "test_ece", "agrees": "test_agreement"}
        more = {**(of_labels if self.labeled else {}), "KL(t‖s)": "test_kl"}
        more = {title: metric for title, metric in more.items() if metric in known}
        tuned = chosen_numbers.columns(self.records)
        cells = []
        for row, records in rows.items():
            name = f"{row} (chosen)" if row == self.best else row
            kept = [r for r in records if not lost(r)]
            rest = [_mean(kept, metric) for metric in more.values()]
            chosen = [cell(records[0]) for cell in tuned.values()]
            cells.append([name, *_compared(lines.get(row)), *chosen, *rest])
        return [*header, *tuned, *more], cells

    def under(self) -> list[str]:
        """The lines below the table: how many students, what diverged, the notes."""
        count = max(len(of) for of in self.methods().values())
        few = "." if self.unjudged else f"; fewer than {statistics.FEWEST} seeds: no verdicts."
        judges = count >= statistics.FEWEST and not self.unjudged
        said = [f"Of the test; one teacher, one student of each method: no interval{few}"]
        if count > 1:
            students = [r for of in self.methods().values() for r in of if not lost(r)]
            also = " and test examples" if differences.known_examples(students) else ""
            others = f"other seeds{also}"
            tests = len(self.methods()) - 1
            several = f"; verdicts are corrected for {tests} rows (Holm)." if tests > 1 else "."
            said = [
                f"Of the test, one teacher. ±: s.d. over {count} seeds. [95 %]: of the paired "
                f"difference, for {others}{several if judges else few}"
            ]
            if self.margin and judges:
                said.append(f"EQUIVALENT: the interval lies within ±{self.margin:g} points.")
        for row, records in grouped.by_row(self.records).items():
            gone = sum(map(lost, records))
            if gone:
                are = "is" if gone == 1 else "are"
                said.append(
                    f"{gone} of {len(records)} students of {row} diverged and {are} left out."
                )
        tuned = [chosen_numbers.ABOUT[title] for title in chosen_numbers.columns(self.records)]
        return [*said, *tuned, *([chosen_numbers.OF_EDGES] if tuned else []), *self.notes]

    def text(self, width: int, *, color: bool = False) -> str:
        """The sentence, the table and what is below it, for a terminal.

        Args:
            width: Its columns.
            color: Whether to color verdicts.
        """
        table = terminal_page.drawn(Table(*self.columns()), width, color=color)
        below = [part for line in self.under() for part in terminal.wrapped(line, width)]
        return "\n".join([*terminal.wrapped(self.sentence(), width), "", *table, *below]) + "\n"

    def markdown(self) -> str:
        """The same in Markdown, where names mean nothing but themselves."""
        titles, rows = self.columns()
        header, *cells = [list(map(_plain, row)) for row in [titles, *rows]]
        table = tables.markdown(header, cells).rstrip()
        paragraphs = [f"**{_plain(self.sentence())}**", table, *map(_plain, self.under())]
        return "\n\n".join(paragraphs) + "\n"


def lost(record: Mapping[str, Any]) -> bool:
    """Whether a record is of a student that diverged."""
    return "diverged" in record


def score(records: Sequence[grouped.Record]) -> tuple[float, float]:
    """How good students are on validation: their mean accuracy, on a tie the lower mean NLL.

    Args:
        records: Of a row; −∞ where all diverged.
    """
    kept = [r for r in records if not lost(r)]
    if not kept:
        return -math.inf, -math.inf
    accuracy, nll = (np.mean([r[f"validation_{of}"] for r in kept]) for of in ("accuracy", "nll"))
    return float(accuracy), -float(nll)


def _in_points(record):
    """A record in percent, without the last digits of a float32, which are no points."""
    return {
        **grouped.in_percent(record),
        "test_accuracy": round(100 * record["test_accuracy"], 4),
    }


def _paired(ours, theirs):
    """The records of two rows whose seeds are in both."""
    seeds = [{grouped.seeds(r) for r in row} for row in (ours, theirs)]
    both = seeds[0] & seeds[1]
    return [[r for r in row if grouped.seeds(r) in both] for row in (ours, theirs)]


def judged(verdict: str) -> bool:
    """Whether a verdict is one, of enough students."""
    return verdict != statistics.NO_VERDICT


def has_interval(line: contrasts.Line) -> bool:
    """Whether two or more seeds of a row are paired with the baseline."""
    return line.paired is not None and math.isfinite(line.paired.low)


def _signed(number):
    return f"{number:+.2f}".replace("-", "−")


def _compared(line):
    """Of a line its verdict, mean and difference; None where all students diverged."""
    if line is None:
        return [DASH, "diverged", DASH]
    if not has_interval(line):
        return [DASH, tables.spread(line, 2), DASH]
    return [tables.verdict(line), tables.spread(line, 2), tables.difference(line, 2)]


def _mean(records, metric):
    """The mean of a metric; the NLL of a student gone astray has many digits."""
    found = [r[metric] for r in records if metric in r]
    if not found:
        return DASH
    mean = float(np.mean(found))
    form = ".1%" if metric == "test_agreement" else ".3f" if mean < 1000 else ".3g"
    return format(mean, form).replace("-", "−")


def _plain(text):
    """A text of which Markdown shows every character."""
    for mark in "\\`*_<|&":
        text = text.replace(mark, "\\" + mark)
    return text
