"""Tables and figures of black-box distillation: students by number and kind of outputs."""

import json
import pathlib

from experiments.black_box.rows import ACTIVE, ALL, LABEL, POOLS, STRATEGIES, TEACHER
from kd_jax.metrics import statistics
from kd_jax.report import by_column, contrasts, differences, figures, grouped, tables
from kd_jax.storage import jsonl

RANDOM, MARGIN = STRATEGIES
TRAINING, MIXES, _, NOISE = POOLS
BANDS = "Points are means over students, whiskers 95 % intervals of the mean."
METRICS = {"test_accuracy": "accuracy", "test_agreement": "agreement with the teacher"}
# part, row, queries (None: the most), above or below, accuracy or agreement in percent
EXPECTED = (
    (TRAINING, ALL, 20000, "test_agreement", "above", 96),
    (NOISE, ALL, None, "test_accuracy", "below", 35),
)


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: three tables for each pool, then active choice, then claims."""
    records = [percent(r) for r in jsonl.records(folder)]
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    parts, margin = grouped.by("part", records), settings.get("margin", 0.0)
    text = [
        f"Percent of the test digits, mean ± s.d. over {students(parts, settings['seeds'])}, "
        "paired by seed. Columns: queries.\n"
        f"Every student takes {settings['steps']:,} steps.\n"
        f"{tables.margin_note(margin, 'points')}"
        f"{tables.scope([r for r in records if r['row'] == ALL])}"
    ]
    for part in POOLS:
        found = parts[part]
        columns = found, "queries", "teacher output"
        text += [f"Queries: {part}, accuracy", by_column.spread(*columns, "test_accuracy")]
        less = by_column.against(*columns, "test_accuracy", LABEL, margin=margin)
        text += [f"Accuracy vs. {LABEL} [95 %]", less]
        text += ["Agreement with the teacher", by_column.spread(*columns, "test_agreement")]
    for part in ACTIVE.values():
        text += [f"{part[0].upper()}{part[1:]}", active_table(parts[part])]
    return "\n\n".join([*text, "Expected before the run", claims(parts)])


def students(parts, seeds):
    """'5 students of one teacher (98.82 % accuracy)', or of each of several."""
    taught = parts[TEACHER]
    of = "one teacher" if len(taught) == 1 else f"each of {len(taught)} teachers"
    return f"{seeds} students of {of} ({tables.mean(taught, 'test_accuracy', '.2f')} % accuracy)"


def percent(found):
    """A record with accuracy and agreement in percent."""
    return found | {name: 100 * found[name] for name in METRICS if name in found}


def spread(values):
    """'96.52 ± 0.21' of one number per seed."""
    return tables.mean_and_sd(values, 2)


def active_table(records):
    """One line per round: both query strategies, their difference in accuracy, their agreement."""
    lines, by_count = [], grouped.by("queries", records)
    rounds = {
        count: contrasts.Contrast(found, RANDOM, "test_accuracy", lower_is_better=False)
        for count, found in by_count.items()
    }
    compared = contrasts.compare_each(rounds)
    for count, both in compared.items():
        rows = grouped.by_row(by_count[count])
        agreed = (spread(grouped.values(rows[r], "test_agreement")) for r in STRATEGIES)
        chance, margin = (next(x for x in both if x.row == r) for r in STRATEGIES)
        cells = [tables.spread(chance, 2), tables.spread(margin, 2), tables.difference(margin, 2)]
        lines.append([f"{count:,}", *cells, tables.verdict(margin), *agreed])
    header = [
        "queries",
        f"accuracy, {RANDOM}",
        f"accuracy, {MARGIN}",
        "difference [95 %]",
    ]
    header += ["verdict", f"agreement, {RANDOM}", f"agreement, {MARGIN}"]
    return tables.markdown(header, lines)


def claims(parts):
    """Expectations stated before the run, with their verdicts."""
    tests: dict = {}
    for part, row, count, metric, side, level in EXPECTED:
        counts = grouped.by("queries", parts[part])
        count = count or max(counts)
        if count in counts:
            values = differences.teacher_means(grouped.by_row(counts[count])[row], metric)
            expected = f"{METRICS[metric]} {side} {level} %", spread(values)
            below = side == "below"
            tests[part, row, count, expected] = statistics.above(
                values, level, lower_is_better=below
            )
    for part in (TRAINING, MIXES):
        counts = grouped.by("queries", parts[part])
        for row in (LABEL, ALL):
            found = [
                differences.teacher_means(grouped.by_row(x)[row], "test_accuracy")
                for x in counts.values()
            ]
            for fewer, more, before, after in zip(counts, [*counts][1:], found, found[1:]):
                gain = statistics.above(after, before)
                shown = f"{gain().mean:+.2f}".replace("-", "−")
                tests[part, row, more, (f"accuracy above that of {fewer:,}", shown)] = gain
    lines = [
        [part, row, f"{count:,}", *said, statistics.OF_CLAIM[found.verdict]]
        for (part, row, count, said), found in statistics.together(tests).items()
    ]
    return tables.markdown(
        ["query pool", "teacher output", "queries", "expected", "found", "verdict"], lines
    )


def draw(folder: pathlib.Path) -> None:
    """Both figures of a run folder."""
    records = [percent(r) for r in jsonl.records(folder)]
    parts = grouped.by("part", records)
    pools = {f"queries: {part}": parts[part] for part in POOLS}
    caption = "Test accuracy by number of queries, for every kind of answer and pool of queries."
    panels(folder / "by_queries.svg", pools, f"{caption} {BANDS}")
    active = {f"{answer}, training images": parts[part] for answer, part in ACTIVE.items()}
    caption = (
        "Test accuracy by number of queries that are chosen at random "
        "or where the student is least sure."
    )
    first = next(iter(ACTIVE.values()))
    title = f"{first[0].upper()}{first[1:]}"
    panels(folder / "active.svg", active, f"{caption} {BANDS}", title)


def panels(path, parts, caption, title=""):
    """A figure: a panel of accuracy by number of queries per part, in two columns."""
    rows = -(-len(parts) // 2)
    about: dict = {"caption": caption, "table": title, "sharex": True, "squeeze": False}
    with figures.figure(path, rows, 2, (figures.WIDEST, 2.6 * rows + 0.7), **about) as axes:
        for cell, (name, found) in zip(axes.flat, parts.items()):
            by_column.curves(cell, found, "queries", "test_accuracy", [*grouped.by_row(found)])
            cell.set_title(name, fontsize=9)
        for line in axes:
            line[0].set_ylabel("test accuracy, %")
        for cell in axes[:-1].flat:
            cell.set_xlabel("")
        figures.legend(axes[0, 0])
