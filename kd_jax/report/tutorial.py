"""The MNIST tutorial's tables and figures: printed numbers beside ours, the claims decided."""

import json

import numpy as np

from kd_jax import record, stats
from kd_jax.report import figures, tables
from kd_jax.report.tutorial_rows import COMPARED, FREE, LABELS, LEVELS, MIXED, PRINTED, SOFT

TITLES = {"1": "all digits", "2a": "no 3 in the transfer set", "2b": "only 7 and 8 in it"}


def table(folder):
    """The Markdown of a run folder: a table per part, then the claims."""
    records = record.read(folder)
    seeds = len({r["seed"] for r in records})
    settings = json.loads((folder / "config.json").read_text())
    epochs, printed = settings["student_epochs"], {} if settings["embedded"] else PRINTED
    text = [
        f"Test errors, mean ± s.d. over {seeds} seeds, each with its own teacher, paired. "
        f"† keeps the tutorial's settings and quirks. Students: {epochs} epochs, "
        f"{2 * epochs} for soft targets in part 2b."
    ]
    parts = {part: [r for r in records if r["part"] == part] for part in TITLES}
    taught = {part: found for part, found in parts.items() if any_of(found, LABELS)}
    for part, found in taught.items():
        text += [f"Part {part}: {TITLES[part]}", part_table(part, found, printed)]
    return "\n\n".join([*text, "Fewer errors?", compared(taught), "Accuracy?", levels(taught)])


def any_of(records, row):
    """Whether a row is among the records."""
    return any(r["row"] == row for r in records)


def part_table(part, records, printed):
    """One line per row of a part, printed numbers beside ours."""
    rows = tables.by_row(records)
    extra, columns = (["3s wrong, printed", "3s wrong"] if part == "2a" else []), COLUMNS
    if part == "1":
        columns = {name: text for name, text in COLUMNS.items() if name != "shift"}
    lines = []
    for line in tables.compare(records, "test_errors", LABELS):
        errors, loss, wrong = printed.get((part, line.row), (DASH,) * 3)
        found = rows[line.row]
        threes = [wrong, tables.mean_and_sd([r["test_wrong"][3] for r in found])]
        lines.append([
            line.row,
            errors,
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            *threes[: len(extra)],
            loss if loss == DASH else f"{loss:.6f}",
            *(tables.mean(found, name, form) for name, (_, form) in columns.items()),
        ])  # fmt: skip
    header = ["row", "printed", "test errors", "difference to labels only [95 %]", "verdict"]
    header += [*extra, "loss, printed", *(title for title, _ in columns.values())]
    return tables.markdown(header, lines)


DASH = "–"
# metric: (title, format) of the columns at the end
COLUMNS = {
    "test_loss": ("loss at T", ".3f"),
    "test_nll": ("NLL at T=1", ".3f"),
    "test_ece": ("ECE", ".3f"),
    "test_agreement": ("agrees with dense teacher", ".1%"),
    "test_kl": ("KL to dense teacher", ".3f"),
    "shift": ("shift", "+.2f"),
}


def compared(parts):
    """The Markdown table of who makes fewer errors than whom, paired over seeds."""
    lines = []
    for part, row, against in COMPARED:
        if part in parts:
            pair = [r for r in parts[part] if r["row"] in (row, against)]
            line = next(x for x in tables.compare(pair, "test_errors", against) if x.row == row)
            lines.append([part, row, against, tables.difference(line), tables.verdict(line)])
    return tables.markdown(["part", "row", "against", "difference [95 %]", "verdict"], lines)


def levels(parts):
    """The Markdown table of accuracies beside the levels that they were expected to pass."""
    lines = []
    for part, row, digit, level in LEVELS:
        if part in parts:
            found = [r for r in parts[part] if r["row"] == row]
            values = [
                r["test_accuracy"] if digit is None else r["test_class_accuracy"][digit]
                for r in found
            ]
            over = stats.paired(values, [level] * len(values), lower_is_better=False)
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


def draw(folder, image, logits, shifts):
    """Every figure of a run folder.

    Args: image [H, W] and its teacher's logits [C]; shifts: of the records' errors_by_shift.
    """
    records = record.read(folder)
    path = folder / "softmax_of_one_digit.png"
    figures.soft_targets(path, image[None], logits[None], (1, 10, 20, 50))
    for part in TITLES:
        rows = tables.by_row(r for r in records if r["part"] == part)
        if LABELS not in rows:
            continue
        chosen = {row: rows[row] for row in (LABELS, SOFT, MIXED, FREE) if row in rows}
        for metric, label in (("wrong", "wrong test images"), ("class_accuracy", "accuracy")):
            with figures.figure(folder / f"part_{part}_{metric}.png", size=(7, 3.5)) as axes:
                values = {r: [x[f"test_{metric}"] for x in found] for r, found in chosen.items()}
                figures.by_class(axes, values, f"{label} per digit")
        corrected = {row: rows[row] for row in rows if row.startswith("bias corrected")}
        if corrected:
            with figures.figure(folder / f"part_{part}_bias.png") as axes:
                figures.errors_by_shift(axes, shifts, corrected)
