"""A comparison of encoders as text: what distillation adds to a cut, what is kept of the teacher.

Every trained row is held against the cut of as many layers, text by text of the test, and against
the teacher.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax.metrics import statistics
from kd_jax.report import contrasts, grouped, tables, terminal, terminal_page
from kd_jax.report.comparison import SAYS, has_interval, judged, lost
from kd_jax.report.markdown_blocks import Table
from kd_jax.report.published import DASH

TEACHER = "teacher"
TITLES = {  # of a measure; all are shown times 100
    "ranking_agreement": "100 τ",
    "reciprocal_rank": "100 MRR",
    "ranking_gain": "100 nDCG",
    "probe_accuracy": "all labels, %",
    "few_accuracy": "few labels, %",
    "nearest_accuracy": "nearest, %",
    "similarity": "100 ρ",
    "nearest_agreement": "same nearest, %",
}
SAID = {  # of a measure that rows are compared by
    "ranking_agreement": "hundredths of the rank correlation with the scores of passages",
    "probe_accuracy": "points of test accuracy (linear probe, all labels)",
    "similarity": "hundredths of the rank correlation with the teacher's similarities",
}
TESTED = {"ranking_agreement": "rankings"}  # what it is of, where that is no text
KEPT = {  # of it, by the students' mean and the teacher's
    "ranking_agreement": "Its rankings agree with the scores by τ = {ours:.3f} (the teacher's: "
    "{theirs:.3f})",
    "probe_accuracy": "It has {percent:.1f} % of the teacher's accuracy",
    "similarity": "Its similarities agree with the teacher's by ρ = {ours:.3f}",
}
BELOW = {
    "ranking_agreement": "τ: Kendall's of a query's passages, with their scores in --ranking.",
    "reciprocal_rank": "MRR: mean of 1/rank of the positive passage.",
    "ranking_gain": "nDCG: gains are scores less the list's lowest.",
    "probe_accuracy": "all labels: a linear probe on the training texts' vectors.",
    "few_accuracy": "few labels: the same on {few_labels} of each class, mean of draws.",
    "nearest_accuracy": "nearest: the label of the nearest training text.",
    "similarity": "ρ: Spearman's of a text's similarities to others, with the teacher's.",
    "nearest_agreement": "same nearest: the nearest training text is the teacher's.",
}


class EncoderComparison(NamedTuple):
    """The test of students of an encoder.

    Attributes:
        records: Of the teacher, of cuts and of students; those that diverged have no measures.
        examples: {row: {seed: a number for each test text}} of the measure compared by.
        primary: That measure.
        best: (row, seed) that was chosen on the texts for that.
        costs: {row: {"bytes", "sentences_per_second"}} of the teacher and of each cut.
        notes: What else a person would want to know, a line each.
        few_labels: Of each class, where there are few.
        unjudged: Why there are no verdicts, of whatever seeds and texts; "": there are.
    """

    records: Sequence[grouped.Record]
    examples: Mapping[str, Mapping[int, Float[np.ndarray, " N"]]]
    primary: str
    best: tuple[str, int] | None
    costs: Mapping[str, Mapping[str, float]]
    notes: Sequence[str] = ()
    few_labels: int = 0
    unjudged: str = ""

    def trained(self) -> dict[str, list[grouped.Record]]:
        """{row: records} of what was trained."""
        rows = grouped.by_row(self.records)
        return {row: found for row, found in rows.items() if "cut" in found[0]}

    def against_cut(self) -> dict[str, statistics.Paired]:
        """{row: its difference to its cut}, in hundredths; verdicts are corrected for the rows."""
        tests = {}
        for row, records in self.trained().items():
            if row in self.examples:
                tests[row] = functools.partial(self._difference, row, records[0]["cut"])
        return statistics.together(tests, judges=not self.unjudged)

    def _difference(self, row, baseline, level=0.95):
        """A row's difference to one encoder, over seeds and test texts; a cut has no seeds."""
        (theirs,) = self.examples[baseline].values()
        ours = np.stack(list(self.examples[row].values()))
        if row not in self.trained():
            pair = 100 * ours[0], 100 * theirs
            return statistics.paired(*pair, lower_is_better=False, level=level)
        return statistics.crossed(100 * (ours - theirs), lower_is_better=False, level=level)

    def sentence(self) -> str:
        """What the chosen student gains over its cut, and what it keeps of its teacher."""
        if self.best is None:
            return "All students diverged: try a smaller learning rate."
        row, _ = self.best
        cut = self.trained()[row][0]["cut"]
        found = self.against_cut()[row]
        finite = math.isfinite(found.low)
        between = f" [{_signed(found.low)}, {_signed(found.high)}]" if finite else ""
        first = f"{found.verdict}: " if judged(found.verdict) else ""
        says = self._says(found.verdict, row, cut)
        gain = f"{_signed(found.mean)}{between} {SAID[self.primary]}"
        return f"{first}{row} against {cut}: {gain}; {says}. {self._kept(row)}"

    def _says(self, verdict, row, cut):
        """What a verdict means, or why there is none."""
        if self.unjudged:
            return self.unjudged
        if not judged(verdict) and len(self.examples[row]) >= statistics.FEWEST:
            which = TESTED.get(self.primary, "texts")
            return f"fewer than {statistics.FEWEST} test {which}: no verdict"
        return SAYS[verdict].format(baseline=cut)

    def _kept(self, row):
        """How good, how fast and how large the row's students are beside the teacher."""
        cost, whole = self.cost(row), self.costs[TEACHER]
        speed = cost["sentences_per_second"] / whole["sentences_per_second"]
        size = f"{cost['bytes'] / 1e6:.0f} MB instead of {whole['bytes'] / 1e6:.0f}"
        ours, theirs = (
            float(np.mean([x.mean() for x in self.examples.get(name, {0: np.ones(1)}).values()]))
            for name in (row, TEACHER)
        )
        percent = 100 * ours / max(theirs, 1e-12)
        kept = KEPT[self.primary].format(ours=ours, theirs=theirs, percent=percent)
        kept = kept.replace(" -", " −")
        return f"{kept}, at {speed:.1f} times its speed, {size}."

    def cost(self, row: str) -> Mapping[str, float]:
        """Size and speed of a row's encoders.

        Args:
            row: Its name.
        """
        records = grouped.by_row(self.records)[row]
        return self.costs.get(row) or self.costs[records[0]["cost"]]

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Titles and cells of the quality of all rows, the most important columns first."""
        rows, differences = grouped.by_row(self.records), self.against_cut()
        known = {name for record in self.records for name in record}
        others = [x for x in TITLES if x != self.primary and f"test_{x}" in known]
        labeled = self.primary != "similarity"
        header = ["encoder", "verdict", TITLES[self.primary], "vs. its cut [95 %]"]
        header += ["vs. teacher [95 %]"] * labeled + [TITLES[name] for name in others]
        cells = []
        for row, records in rows.items():
            kept = [r for r in records if not lost(r)]
            name = f"{row} (chosen)" if self.best and row == self.best[0] else row
            line = [name, *self._compared(row, kept, differences.get(row))]
            line += [self._to_teacher(row)] if labeled else []
            cells.append([*line, *(_mean(kept, x) for x in others)])
        return header, cells

    def _compared(self, row, kept, difference):
        """A row's verdict, its mean and its difference to its cut."""
        if not kept:
            return [DASH, "diverged", DASH]
        name = f"test_{self.primary}"
        values = [100 * r[name] for r in kept if name in r]
        if not values:  # the teacher, beside itself
            return [DASH, DASH, DASH]
        line = contrasts.line_of(row, values, difference)
        if not has_interval(line):
            return [DASH, tables.spread(line, 2), DASH]
        return [tables.verdict(line), tables.spread(line, 2), _interval(difference)]

    def _to_teacher(self, row):
        if row == TEACHER or row not in self.examples:
            return DASH
        found = self._difference(row, TEACHER)
        return _interval(found) if math.isfinite(found.low) else _signed(found.mean)

    def cost_columns(self) -> tuple[list[str], list[list[str]]]:
        """Titles and cells of size and speed."""
        first = self.costs[TEACHER]["sentences_per_second"]
        cells = []
        for row, cost in self.costs.items():
            speed = cost["sentences_per_second"]
            times = f"{speed / first:.2f}×"
            name = row.removesuffix(", cut")
            cells.append([name, times, f"{speed:,.0f}", f"{cost['bytes'] / 1e6:.1f}"])
        return ["encoder", "times as fast", "texts/s", "MB"], cells

    def under(self, columns: Sequence[str]) -> list[str]:
        """The lines below the tables.

        Args:
            columns: The titles that are shown, which are explained.
        """
        found = [records for records in self.trained().values()]
        count = max((len(records) for records in found), default=0)
        shown = [name for name, title in TITLES.items() if title in columns]
        said = [BELOW[name].format(few_labels=self.few_labels) for name in shown]
        if count > 1:
            corrected = len(found) > 1 and not self.unjudged
            several = f"; verdicts are corrected for {len(found)} rows (Holm)" * corrected
            which = TESTED.get(self.primary, "texts")
            said.append(
                f"±: s.d. over {count} seeds. [95 %]: for other seeds and test {which}{several}."
            )
        for row, records in self.trained().items():
            gone = sum(map(lost, records))
            if gone:
                said.append(f"{gone} of {len(records)} students of {row} diverged: left out.")
        return [*said, *self.notes]

    def text(self, width: int, *, color: bool = False) -> str:
        """The sentence, the tables and what is below, for a terminal.

        Args:
            width: Its columns.
            color: Whether to color verdicts.
        """
        quality, costs = Table(*self.columns()), Table(*self.cost_columns())
        shown = [quality.header[n] for n in terminal_page.fitting(quality, width)]
        above, beneath = (terminal_page.drawn(x, width, color=color) for x in (quality, costs))
        below = [part for line in self.under(shown) for part in terminal.wrapped(line, width)]
        first = terminal.wrapped(self.sentence(), width)
        return "\n".join([*first, "", *above, "", *beneath, "", *below]) + "\n"

    def markdown(self) -> str:
        """The same in Markdown."""
        quality, costs = (
            tables.markdown(*x).rstrip() for x in (self.columns(), self.cost_columns())
        )
        below = "\n".join(f"- {line}" for line in self.under(self.columns()[0]))
        return "\n\n".join([f"**{self.sentence()}**", quality, costs, below]) + "\n"


def _signed(number):
    return f"{number:+.2f}".replace("-", "−")


def _interval(paired):
    return f"{_signed(paired.mean)} [{_signed(paired.low)}, {_signed(paired.high)}]"


def _mean(records, name):
    found = [100 * r[f"test_{name}"] for r in records if f"test_{name}" in r]
    return f"{np.mean(found):.1f}" if found else DASH
