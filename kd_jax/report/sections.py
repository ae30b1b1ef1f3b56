"""Tables in parts: published numbers beside ours, paired comparisons, and levels to pass.

A record belongs to a part by its "part", and a part compares its rows with labels only.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from kd_jax.metrics import statistics
from kd_jax.report import contrasts, differences, grouped, tables
from kd_jax.report.published import DASH as DASH
from kd_jax.report.published import Published as Published

THREES = ["3s wrong, paper", "3s wrong"]
DETECTABLE = (
    "Would have shown: the size of a difference that would have been decided four times of five."
)
LOSS = "loss, paper"
OF_THESE = "[95 %]: for other teachers and their students, of these test images"
SHOWN = "would have shown"


def table(
    records: Sequence[grouped.Record],
    published: Mapping[str, Published],
    baseline: str,
    columns: Mapping[str, tuple[str, str]],
    *,
    threes: bool = False,
    loss: bool = False,
    margin: float = 0.0,
) -> str:
    """The Markdown table of a part: one line per row, published numbers beside ours.

    Args:
        records: of the part.
        published: {row: what a publication prints of it}.
        baseline: the row that others are paired with.
        columns: {metric: (title, format)}, means that stand at the end.
        threes: whether to show the columns of wrong 3s.
        loss: whether to show the published loss, before the first of `columns`.
        margin: as for contrasts.Contrast.
    """
    rows, lines = grouped.by_row(records), []
    compared = contrasts.compare(records, "test_errors", baseline, margin=margin)
    for line in compared:
        found, paper = rows[line.row], published.get(line.row, Published())
        wrong = tables.mean_and_sd([r["test_wrong"][3] for r in found])
        lines.append([
            line.row,
            paper.errors,
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            *([paper.threes, wrong] if threes else []),
            *([paper.loss] if loss else []),
            *(tables.mean(found, name, form) for name, (_, form) in columns.items()),
        ])  # fmt: skip
    header = ["method", "paper", "test errors", f"vs. {baseline.rstrip(' †')} [95 %]"]
    header += ["verdict", *(THREES if threes else []), *([LOSS] if loss else [])]
    table = tables.markdown([*header, *(title for title, _ in columns.values())], lines)
    return table + tables.power(compared, "test errors")


def compared(
    parts: Mapping[str, Sequence[grouped.Record]],
    pairs: Iterable[tuple[str, str, str]],
    metric: str = "test_errors",
    *,
    lower_is_better: bool = True,
    digits: int = 1,
    margin: float = 0.0,
) -> str:
    """The Markdown table of pairs of rows compared by a metric; verdicts are corrected for all.

    Args:
        parts: {part: its records}.
        pairs: (part, row, baseline); those of absent parts and rows are left out.
        metric: the field that is compared.
        lower_is_better: whether small values of the metric are good.
        digits: of the difference.
        margin: as for contrasts.Contrast.
    """
    known = {part: {r["row"] for r in records} for part, records in parts.items()}
    both = {
        (part, row, against): contrasts.Contrast(
            [r for r in parts[part] if r["row"] in (row, against)],
            against,
            metric,
            lower_is_better,
            margin,
        )
        for part, row, against in pairs
        if {row, against} <= known.get(part, set())
    }
    lines = []
    for pair, found in contrasts.compare_each(both).items():
        line = next(x for x in found if x.row == pair[1])
        size = tables.size(line.detectable, f".{digits}f")
        lines.append([*pair, tables.difference(line, digits), tables.verdict(line), size])
    header = ["part", "method", "against", "difference [95 %]", "verdict", SHOWN]
    return tables.markdown(header, lines)


def levels(
    parts: Mapping[str, Sequence[grouped.Record]],
    expected: Iterable[tuple[str, str, int | None, float]],
) -> str:
    """The Markdown table of accuracies beside the levels that they were expected to pass.

    Args:
        parts: {part: its records}.
        expected: (part, row, digit or None for all, accuracy); those of absent parts are left out.
    """
    tests = {}
    for part, row, digit, level in expected:
        if part in parts:
            of_row = grouped.by_row(r for r in parts[part] if r["row"] == row)[row]
            found = [
                r if digit is None else {**r, "test_accuracy": r["test_class_accuracy"][digit]}
                for r in of_row
            ]
            values = differences.teacher_means(found, "test_accuracy")
            tests[part, row, digit, level] = statistics.above(values, level)
    lines = []
    for (part, row, digit, level), over in statistics.together(tests).items():
        shown = f"{level + over.mean:.1%}"
        if not np.isnan(over.low):  # one seed has no interval
            shown += f" [{level + over.low:.1%}, {level + over.high:.1%}]"
        digits = "all" if digit is None else f"{digit}s"
        least = statistics.detectable(tests[part, row, digit, level], len(tests))
        cells = shown.replace("-", "−"), f"{level:.0%}", over.verdict, tables.size(least, ".1%")
        lines.append([part, row, digits, *cells])
    header = ["part", "method", "digits", "accuracy [95 %]", "expected above", "verdict", SHOWN]
    return tables.markdown(header, lines)
