"""Tables in parts: printed numbers beside ours, who beats whom, and which levels were passed.

A record belongs to a part by its "part", and a part compares its rows with labels only.
"""

from typing import Any, NamedTuple

import numpy as np

from kd_jax.metrics import statistics
from kd_jax.report import tables

DASH = "–"
THREES = ["3s wrong, printed", "3s wrong"]
LOSS = "loss, printed"


class Printed(NamedTuple):
    """What a publication prints of one row: test errors, 3s wrong and a loss, where it does."""

    errors: Any = DASH
    threes: Any = DASH
    loss: Any = DASH


def table(records, printed, baseline, columns, *, threes=False, loss=False):
    """One line per row of a part, printed numbers beside ours.

    Args: printed {row: Printed}; baseline: the row that others are paired with; columns {metric:
      (title, format)} at the end; threes, loss: whether to show those columns.
    """
    rows, lines = tables.by_row(records), []
    for line in tables.compare(records, "test_errors", baseline):
        found, said = rows[line.row], printed.get(line.row, Printed())
        wrong = tables.mean_and_sd([r["test_wrong"][3] for r in found])
        lines.append([
            line.row,
            said.errors,
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            *([said.threes, wrong] if threes else []),
            *([said.loss] if loss else []),
            *(tables.mean(found, name, form) for name, (_, form) in columns.items()),
        ])  # fmt: skip
    header = ["row", "printed", "test errors", f"difference to {baseline.rstrip(' †')} [95 %]"]
    header += ["verdict", *(THREES if threes else []), *([LOSS] if loss else [])]
    return tables.markdown([*header, *(title for title, _ in columns.values())], lines)


def compared(parts, pairs, metric="test_errors", *, lower_is_better=True, digits=1):
    """The Markdown table of who is better than whom by a metric, paired over seeds.

    Args: parts {part: records}; pairs: (part, row, against); digits: of the difference.
    """
    lines = []
    for part, row, against in pairs:
        if part in parts:
            pair = [r for r in parts[part] if r["row"] in (row, against)]
            found = tables.compare(pair, metric, against, lower_is_better=lower_is_better)
            line = next(x for x in found if x.row == row)
            difference = tables.difference(line, digits)
            lines.append([part, row, against, difference, tables.verdict(line)])
    return tables.markdown(["part", "row", "against", "difference [95 %]", "verdict"], lines)


def levels(parts, expected):
    """The Markdown table of accuracies beside the levels that they were expected to pass.

    Args: parts {part: records}; expected: (part, row, digit or None for all, accuracy).
    """
    lines = []
    for part, row, digit, level in expected:
        if part in parts:
            found = [r for r in parts[part] if r["row"] == row]
            values = [
                r["test_accuracy"] if digit is None else r["test_class_accuracy"][digit]
                for r in found
            ]
            over = statistics.paired(values, [level] * len(values), lower_is_better=False)
            shown = f"{np.mean(values):.1%}"
            if len(values) > 1:  # one seed has no interval
                shown += f" [{level + over.low:.1%}, {level + over.high:.1%}]"
            lines.append([
                part,
                row,
                "all" if digit is None else f"{digit}s",
                shown.replace("-", "−"),
                f"{level:.0%}",
                over.verdict,
            ])  # fmt: skip
    header = ["part", "row", "digits", "right [95 %]", "expected above", "verdict"]
    return tables.markdown(header, lines)
