"""Tables and figures of the black box: what students learn by how many answers of which kind."""

import json

from kd_jax.metrics import statistics
from kd_jax.report import by_column, figures, tables
from kd_jax.storage import jsonl

TEACHER = "teacher"
LABEL, RANKED, LIKELIEST = "label", "3 labels in order", "3 labels, their probabilities"
ROUNDED, EVERYTHING = "probabilities, 1 decimal", "all probabilities"
SHUFFLED = "all, wrong classes shuffled"
OWN, MIXES = "the teacher's training images", "quarters of four training images"
OTHERS, NOISE = "images of another data set", "uniform noise"
PARTS = (OWN, MIXES, OTHERS, NOISE)
AT_RANDOM, LEAST_SURE = "at random", "least sure first"
ACTIVE = {x: f"active choice, {x}" for x in (LABEL, EVERYTHING)}
METRICS = {"test_accuracy": "accuracy", "test_agreement": "agreement with the teacher"}
# part, row, queries (None: the most), at least or below, accuracy or agreement in percent
EXPECTED = (
    (OWN, EVERYTHING, 20000, "test_agreement", "above", 96),
    (NOISE, EVERYTHING, None, "test_accuracy", "below", 35),
)


def table(folder):
    """The Markdown of a run folder: three tables for each pool, then active choice, then claims."""
    records = [percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text())
    parts = tables.by("part", records)
    (teacher,) = parts[TEACHER]
    text = [
        f"Percent of the test digits, mean ± s.d. over {settings['seeds']} students of one teacher "
        f"({teacher['test_accuracy']:.2f} % right), paired by seed. Columns: how often it was "
        f"asked.\nEvery student takes {settings['steps']:,} steps."
    ]
    for part in PARTS:
        found = parts[part]
        said = found, "queries", "answer"
        text += [f"Asked about {part}: accuracy", by_column.spread(*said, "test_accuracy")]
        less = by_column.against(*said, "test_accuracy", LABEL)
        text += [f"Accuracy less that of {LABEL} [95 %]", less]
        text += ["Agreement with the teacher", by_column.spread(*said, "test_agreement")]
    for part in ACTIVE.values():
        text += [f"{part[0].upper()}{part[1:]}", active_table(parts[part])]
    return "\n\n".join([*text, "Was it expected?", claims(parts)])


def percent(found):
    """A record with accuracy and agreement in percent."""
    return found | {name: 100 * found[name] for name in METRICS if name in found}


def spread(values):
    """'96.52 ± 0.21' of one number per seed."""
    return tables.mean_and_sd(values, 2)


def active_table(records):
    """One line per round: both choices, their difference in accuracy, and their agreement."""
    lines = []
    for count, found in tables.by("queries", records).items():
        rows = tables.by_row(found)
        both = tables.compare(found, "test_accuracy", AT_RANDOM, lower_is_better=False)
        agreed = (spread(tables.values(rows[r], "test_agreement")) for r in (AT_RANDOM, LEAST_SURE))
        chance, unsure = (next(x for x in both if x.row == r) for r in (AT_RANDOM, LEAST_SURE))
        cells = [tables.spread(chance, 2), tables.spread(unsure, 2), tables.difference(unsure, 2)]
        lines.append([f"{count:,}", *cells, tables.verdict(unsure), *agreed])
    header = ["queries", f"accuracy, {AT_RANDOM}", f"accuracy, {LEAST_SURE}", "difference [95 %]"]
    header += ["verdict", f"agreement, {AT_RANDOM}", f"agreement, {LEAST_SURE}"]
    return tables.markdown(header, lines)


def claims(parts):
    """What was expected before the run, and what came of it."""
    lines = []
    for part, row, count, metric, side, level in EXPECTED:
        counts = tables.by("queries", parts[part])
        count = count or max(counts)
        if count in counts:
            values = tables.values(tables.by_row(counts[count])[row], metric)
            over = statistics.paired(values, [level] * len(values), lower_is_better=side == "below")
            expected = f"{METRICS[metric]} {side} {level} %"
            lines.append([part, row, f"{count:,}", expected, spread(values), over.verdict])
    for part in (OWN, MIXES):
        counts = tables.by("queries", parts[part])
        for row in (LABEL, EVERYTHING):
            found = [tables.values(tables.by_row(x)[row], "test_accuracy") for x in counts.values()]
            for fewer, more, before, after in zip(counts, [*counts][1:], found, found[1:]):
                gain = statistics.paired(after, before, lower_is_better=False)
                shown = f"{gain.mean:+.2f}".replace("-", "−")
                grown = f"accuracy above that of {fewer:,}"
                lines.append([part, row, f"{more:,}", grown, shown, gain.verdict])
    return tables.markdown(
        ["asked about", "answer", "queries", "expected", "found", "verdict"], lines
    )


def draw(folder):
    """Both figures of a run folder."""
    records = [percent(r) for r in jsonl.records(folder)]
    parts = tables.by("part", records)
    size = (3.4 * len(PARTS), 6.0)
    with figures.figure(folder / "by_queries.png", 2, len(PARTS), size, sharex=True) as axes:
        for number, part in enumerate(PARTS):
            axes[0, number].set_title(f"asked about {part}", fontsize=9)
            for cell, metric in zip(axes[:, number], METRICS):
                curves(cell, parts[part], metric)
        axes[0, 0].legend(fontsize=7)
    with figures.figure(folder / "active.png", 2, len(ACTIVE), (8.0, 6.0), sharex=True) as axes:
        for number, (answer, part) in enumerate(ACTIVE.items()):
            axes[0, number].set_title(f"{answer}, training images", fontsize=9)
            for cell, metric in zip(axes[:, number], METRICS):
                curves(cell, parts[part], metric)
        axes[0, 0].legend(fontsize=8)


def curves(axes, records, metric):
    """A metric in percent against the number of queries: a line per row with its 95 % interval."""
    by_column.curves(axes, records, "queries", metric, tables.by_row(records))
    axes.set_ylabel(f"{METRICS[metric]} (%)")
