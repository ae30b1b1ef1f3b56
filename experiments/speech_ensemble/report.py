"""Tables and figures of the speech experiment: the paper's numbers beside ours."""

import json

import numpy as np

from experiments.speech_ensemble import rows as named
from kd_jax.metrics import statistics
from kd_jax.report import figures, tables
from kd_jax.storage import jsonl

DASH = "–"


def table(folder):
    """The Markdown of a run folder: a table for each set-up, then that of few recordings."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text())
    text = [
        f"Frame accuracy in percent, mean ± s.d. over {settings['seeds']} students of one "
        f"ensemble of {settings['members']}, paired by seed. Kept: of the ensemble's gain over "
        f"labels only; the paper kept {named.PRINTED_KEPT}.\nPrinted: 14,000 states of English, "
        "word errors in percent; ours: 30 states of spoken digits, wrong recordings of the test's."
    ]
    printed = named.PRINTED  # of the first set-up, the paper's
    for part, found in tables.by("part", records).items():
        if part == named.LOW:
            share = settings["share"]
            text += [f"{share:.0%} of the recordings (section 6)", low_table(found)]
        else:
            text += [part.capitalize(), setup_table(found, printed)]
            printed = {}
    text += ["What keeps most of the gain? Chosen on validation in each set-up", chosen(records)]
    return "\n\n".join(text)


def setup_table(records, said):
    """One line per row of a set-up: the ensemble, its members, and every student.

    Args: said {row: (frame accuracy, word errors)}, as printed.
    """
    rows = tables.by_row(records)
    ensemble = rows[named.ENSEMBLE][0]["test_accuracy"]
    lines = []
    for line in tables.compare(records, "test_accuracy", named.LABELS, lower_is_better=False):
        printed = said.get(line.row, (DASH, DASH))
        of_row = rows[line.row]
        if line.row == named.MEMBER:  # its seeds are members, not students
            line = line._replace(paired=None)
        lines.append([
            line.row,
            printed[0],
            tables.spread(line, 2),
            tables.difference(line, 2),
            tables.verdict(line),
            kept(line.values, rows[named.LABELS], ensemble) if line.paired else DASH,
            printed[1],
            tables.mean_and_sd(tables.values(of_row, "test_word_errors")),
            tables.mean(of_row, "validation_accuracy", ".2f"),
            tables.mean(of_row, "test_nll", ".3f"),
        ])  # fmt: skip
    header = ["row", "printed", "test frames right, %", "difference to labels only [95 %]"]
    header += ["verdict", "kept [95 %]", "word errors, printed", "wrong recordings"]
    return tables.markdown([*header, "validation frames right, %", "NLL"], lines)


def chosen(records):
    """The student of each set-up with most validation frames right, and the share that it keeps."""
    found = {part: of for part, of in tables.by("part", records).items() if part != named.LOW}
    best = {part: best_row(of) for part, of in found.items()}
    winner = max(best, key=lambda part: best[part][1])
    lines = []
    for part, (row, right) in best.items():
        rows = tables.by_row(found[part])
        values, labels = tables.values(rows[row], "test_accuracy"), rows[named.LABELS]
        ensemble = rows[named.ENSEMBLE][0]["test_accuracy"]
        lines.append([
            part + (" (chosen)" if part == winner else ""),
            row,
            f"{right:.2f}",
            f"{np.mean(values):.2f}",
            f"{np.mean(tables.values(labels, 'test_accuracy')):.2f}",
            f"{ensemble:.2f}",
            kept(values, labels, ensemble),
        ])  # fmt: skip
    header = ["set-up", "student", "validation", "test", "labels only", "ensemble", "kept [95 %]"]
    return tables.markdown(header, lines)


def best_row(records):
    """(row, its mean validation accuracy) of the best student of a teacher that is not altered."""
    rows = tables.by_row([r for r in records if r.get("family") in (named.MIXED, named.ALONE)])
    means = {row: np.mean(tables.values(of, "validation_accuracy")) for row, of in rows.items()}
    return max(means.items(), key=lambda pair: pair[1])


def kept(values, baseline, ensemble):
    """'58 % [49, 66]': the share of the ensemble's gain over the baseline that a row keeps.

    (mean row − mean baseline)/(ensemble − mean baseline), its interval over resampled seeds.
    """
    pairs = np.stack([values, tables.values(baseline, "test_accuracy")], axis=1)

    def share(found):
        row, base = found.mean(0)
        return 100 * (row - base) / (ensemble - base)

    value, low, high = statistics.bootstrap(pairs, share)
    shown = f"{value:.0f} %" + ("" if np.isnan(low) else f" [{low:.0f}, {high:.0f}]")
    return shown.replace("-", "−")


def low_table(records):
    """Training and test accuracy with few recordings, beside the paper's."""
    rows, lines = tables.by_row(records), []
    compared = tables.compare(records, "test_accuracy", named.STOPPED, lower_is_better=False)
    for line in compared:
        train, test = named.PRINTED_LOW.get(line.row, (DASH, DASH))
        of_row = rows[line.row]
        lines.append([
            line.row,
            train,
            tables.mean_and_sd(tables.values(of_row, "train_accuracy")),
            test,
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            tables.mean(of_row, "epoch", ".0f"),
        ])  # fmt: skip
    header = ["row", "training, printed", "training frames right, %", "printed"]
    header += ["test frames right, %", f"difference to {named.STOPPED} [95 %]", "verdict", "epochs"]
    return tables.markdown(header, lines)


def draw(folder):
    """Every figure of a run folder."""
    records = [tables.in_percent(r) for r in jsonl.records(folder)]
    parts = tables.by("part", records)
    first = next(part for part in parts if part != named.LOW)
    with figures.figure(folder / "accuracy_by_temperature.png") as axes:
        by_temperature(axes, parts[first])
    with figures.figure(folder / "few_recordings.png") as axes:
        curves(axes, tables.by_row(parts[named.LOW]))


def by_temperature(axes, records):
    """Test accuracy against T, with the levels of labels only, a member and the ensemble."""
    rows = tables.by_row(records)
    of = {r["temperature"]: rows[r["row"]] for r in records if r.get("family") == named.MIXED}
    values = [tables.values(of[t], "test_accuracy") for t in sorted(of)]
    figures.band(axes, sorted(of), values, named.MIXED, figures.COLORS[0])
    levels = (named.LABELS, ":"), (named.ENSEMBLE, "--")
    for (row, style), color in zip(levels, (figures.GREY, figures.COLORS[1])):
        figures.level(axes, tables.values(rows[row], "test_accuracy"), row, color, style)
    figures.temperature_axis(axes, sorted(of))
    axes.set_ylabel("test frames right (%)")
    axes.legend(fontsize=8)


def curves(axes, rows):
    """Training and test accuracy epoch by epoch, on labels and on soft targets."""
    for row, color in ((named.LAST, figures.COLORS[1]), (named.SOFT, figures.COLORS[0])):
        for split, style in (("train", ":"), ("test", "-")):
            found = 100 * np.mean([r[f"{split}_curve"] for r in rows[row]], axis=0)
            name = f"{row.split(',')[0]}, {split}"
            axes.plot(range(1, len(found) + 1), found, style, color=color, label=name)
    axes.set(xlabel="epoch", ylabel="frames right (%)")
    axes.legend(fontsize=8)
