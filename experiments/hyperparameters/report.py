"""Tables and figures on learning rates and weights of the labels."""

import json
import math
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.hyperparameters import choices, tolerance
from experiments.hyperparameters import rows as named
from experiments.hyperparameters.choices import Records, of_row
from experiments.hyperparameters.rows import LABELS, SOFT
from kd_jax.metrics import means, statistics
from kd_jax.report import (
    by_column,
    contrasts,
    differences,
    figures,
    grouped,
    marks,
    roles,
    sections,
    tables,
)
from kd_jax.report.published import DASH
from kd_jax.storage import jsonl

SHOWN = 2.5  # times the fewest errors, up to which a figure goes
OTHERS = "vs. labels only [95 %]", "vs. soft targets [95 %]"


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: by learning rate, by weight, and all of both."""
    records, tried = choices.students(jsonl.records(folder)), choices.tried(folder)
    chosen_on = choices.choosing(folder)
    rates = choices.rates(chosen_on)
    best_on, at_best = choices.at(chosen_on, rates), choices.at(records, rates)
    of_weights = [{**r, "row": f"w={r['label_weight']:g}"} for r in records]
    parts = [
        notes(folder, records, chosen_on != records),
        named.BY_RATE, by_rate(records, rates, tried),
        named.BEST_RATE, best_rates(records, tried),
        named.COST, costs(records, rates, tried),
        named.BY_WEIGHT, by_weight(at_best, choices.best("label_weight", best_on), tried),
        named.FEWER, fewer(at_best, choices.mixture(best_on)),
        named.GRID, by_column.spread(of_weights, "rate", "peak learning rate", "test_errors", 1),
    ]  # fmt: skip
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def notes(folder: pathlib.Path, records: Records, explored: bool) -> str:
    """What all tables of a run share.

    Args:
        folder: Of the run.
        records: Of its students.
        explored: Whether choices were made on the exploration.
    """
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    rate = min(r["rate"] for r in records)
    one = [r for r in of_row(records, LABELS) if r["rate"] == rate]
    where = ", of the exploration at base seed 0" if explored else ""
    return (
        f"Test errors{differences.of_how_many(one)}, mean ± s.d. over {grouped.counted(one)}, "
        "paired. Loss: w · labels + "
        f"(1 − w) · T² · soft targets at T = {settings['temperature']:g}; all rows take the same "
        f"batches for {settings['student_epochs']} epochs.\nThe teacher is asked once about each "
        f"training image, for w = 1 never. (chosen): the fewest validation errors, of "
        f"equally many the lower validation NLL{where}; *: at the edge of what was tried.\n"
        f"{sections.DETECTABLE}\n{tables.scope(one)}"
    )


def by_rate(records: Records, rates: Mapping[str, float], tried: Sequence[float]) -> str:
    """A line per learning rate at which both train: labels only and soft targets, compared.

    Args:
        records: Of students at all rates.
        rates: The best of each row.
        tried: All rates.
    """
    both = [r for r in records if r["row"] in (LABELS, SOFT)]
    found = sorted(grouped.by("rate", both).items())
    parts = {
        rate: contrasts.Contrast(of, LABELS) for rate, of in found if len(grouped.by_row(of)) == 2
    }
    rows = []
    for rate, compared in contrasts.compare_each(parts).items():
        lines = {x.row: x for x in compared}
        cells = [f"{rate:g}"]
        for row in (LABELS, SOFT):
            cells += [tables.mean(of_row([*parts[rate].records], row), "validation_errors", ".1f")]
            cells += [tables.spread(lines[row]) + choices.mark(rate, rates[row], tried)]
        rows.append([*cells, tables.difference(lines[SOFT]), tables.verdict(lines[SOFT])])
    header = ["peak learning rate"]
    for row in (LABELS, SOFT):
        header += [f"validation errors, {row}", f"test errors, {row}"]
    return tables.markdown([*header, "difference [95 %]", "verdict"], rows)


def best_rates(records: Records, tried: Sequence[float]) -> str:
    """The mean of the best rates of teachers' students, and the ratio of two such means.

    Args:
        records: Of students at all rates.
        tried: All rates.
    """
    found, rows = tolerance.log_ratio(records), []
    for row, ratio in ((LABELS, DASH), (SOFT, times(found))):
        each = choices.by_teacher(of_row(records, row))
        edges = sum(choices.star(rate, tried) == "*" for rate in each)
        verdict = statistics.OF_CLAIM[found.verdict] if row == SOFT else DASH
        mean = f"{10 ** np.mean(np.log10(each)):.2g}"
        rows.append([row, mean, f"{edges} of {len(each)}", ratio, verdict])
    header = ["method", "mean best rate", "at an edge", "ratio [95 %]", "verdict"]
    about = (
        "For each teacher the rate with which its students have the fewest validation errors, of "
        "equally many the one with the lower validation NLL; means and ratio are geometric."
        "\n[95 %]: for other teachers and their students, of these validation examples."
    )
    return f"{about}\n\n{tables.markdown(header, rows)}"


def times(found: statistics.Paired) -> str:
    """'1.78 [1.00, 3.16]' of the logarithm of a ratio, or without an interval '1.78 [–]'."""
    ends = DASH if math.isnan(found.low) else f"{10**found.low:.2f}, {10**found.high:.2f}"
    return f"{10**found.mean:.2f} [{ends}]"


def costs(records: Records, rates: Mapping[str, float], tried: Sequence[float]) -> str:
    """A line per multiple of a best rate: the errors that it adds to both, and to which fewer.

    Args:
        records: Of students at all rates.
        rates: The best of each row.
        tried: All rates.
    """
    alike = rates[LABELS] == rates[SOFT]  # then the best of labels only says it all
    added = {
        name: tolerance.added(records, rates, tried, factor, whose)
        for name, (factor, whose) in named.FACTORS.items()
        if not (alike and whose == SOFT and (factor, LABELS) in named.FACTORS.values())
    }
    tests = {name: test for name, of in added.items() if (test := tolerance.less(of))}
    paired, rows = statistics.together(tests), []
    for name, of in added.items():
        cells = [
            f"{of[row][1].mean():+.1f} at {of[row][0]:g}".replace("-", "−") if row in of else DASH
            for row in (LABELS, SOFT)
        ]
        line = contrasts.line_of(SOFT, [0.0, 0.0], paired.get(name))  # for its difference alone
        rows.append([name, *cells, tables.difference(line), tables.verdict(line)])
    header = ["peak learning rate", *(f"errors added, {row}" for row in (LABELS, SOFT))]
    return tables.markdown([*header, "difference [95 %]", "verdict"], rows)


def by_weight(records: Records, chosen: float, tried: Sequence[float]) -> str:
    """A line per weight of the labels, compared with labels only and with soft targets.

    Args:
        records: Of students, each row at its best rate.
        chosen: The weight that validation chooses.
        tried: All learning rates.
    """
    weights = [r["label_weight"] for r in records]
    found = contrasts.compare_each({x: contrasts.Contrast(records, x) for x in (LABELS, SOFT)})
    rows = []
    for line, other in zip(found[LABELS], found[SOFT]):
        of = of_row(records, line.row)
        weight, rate = of[0]["label_weight"], of[0]["rate"]
        rows.append([
            line.row,
            f"{weight:g}{choices.mark(weight, chosen, weights)}",
            f"{rate:g}{choices.star(rate, tried)}",
            tables.mean(of, "validation_errors", ".1f"),
            tables.spread(line),
            *(cell for x in (line, other) for cell in (tables.difference(x), tables.verdict(x))),
        ])  # fmt: skip
    header = ["method", "w", "peak learning rate", "validation errors", "test errors"]
    compared = [title for other in OTHERS for title in (other, "verdict")]
    return tables.markdown([*header, *compared], rows)


def fewer(records: Records, mixture: str) -> str:
    """Which of two rows has fewer errors.

    Args:
        records: Of students, each row at its best rate.
        mixture: The row of the mixture that validation chooses.
    """
    again = [{**r, "row": named.CHOSEN} for r in of_row(records, mixture)]
    pairs = [(named.PART, *pair) for pair in named.COMPARED]
    return sections.compared({named.PART: [*records, *again]}, pairs)


def draw(folder: pathlib.Path) -> None:
    """The figures of a run folder."""
    records = choices.students(jsonl.records(folder))
    rates = choices.rates(choices.choosing(folder))
    of_rates(folder / "errors_by_rate.svg", records)
    of_weights(folder / "errors_by_weight.svg", choices.at(records, rates))


def of_rates(path: pathlib.Path, records: Records) -> None:
    """The errors of labels only and of soft targets over the learning rate, near the fewest."""
    tried, least = sorted({r["rate"] for r in records}), np.inf
    students = grouped.counted([r for r in of_row(records, LABELS) if r["rate"] == tried[0]])
    caption = (
        "Test errors by peak learning rate, of students of labels and of soft targets. Points are "
        f"means over {students}, whiskers 95 % intervals of the mean; rates with more than "
        f"{SHOWN:g} times the fewest errors lie above."
    )
    about: dict = {"size": (6.0, 3.6), "caption": caption, "table": named.BY_RATE}
    with figures.figure(path, **about) as axes:
        looks = roles.styles((LABELS, SOFT))
        for (row, role), beside in zip(looks.items(), marks.side_by_side(tried, len(looks))):
            found = {
                rate: (np.mean(values), *means.interval(values))
                for rate, of in sorted(grouped.by("rate", of_row(records, row)).items())
                for values in [
                    differences.teacher_means(sorted(of, key=grouped.seeds), "test_errors")
                ]
            }
            least = min(least, *(mean for mean, *_ in found.values()))
            marks.intervals(axes, found, row, role, beside)
        figures.logarithmic(axes, tried)
        axes.set_ylim(least * 0.75, least * SHOWN)
        axes.set_xlabel("peak learning rate")
        axes.set_ylabel("test errors of 1,500")
        figures.legend(axes)


def of_weights(path: pathlib.Path, records: Records) -> None:
    """The errors over the weight of the labels, against labels only, each at its best rate."""
    students = grouped.counted(grouped.by_row(records)[LABELS])
    caption = (
        f"Test errors by weight w of the labels, against {LABELS} (w = 1), each at its best "
        "learning rate: below zero a student errs less. Points are means over "
        f"{students}, whiskers 95 % intervals of the paired difference."
    )
    about: dict = {"size": (6.0, 3.6), "caption": caption, "table": named.BY_WEIGHT}
    with figures.figure(path, **about) as axes:
        weights = {r["row"]: r["label_weight"] for r in records}
        lines = contrasts.compare(records, "test_errors", LABELS)
        found: dict = {weights[x.row]: x.paired for x in lines if x.paired}
        found[1.0] = (0.0, 0.0, 0.0)
        marks.intervals(axes, dict(sorted(found.items())), named.MIXED, roles.MIXED)
        axes.axhline(0, color=roles.LABELS.color, ls=roles.LABELS.dash, lw=1.2, label=LABELS)
        axes.set(xlim=(-0.05, 1.05), xticks=sorted(weights.values()))
        axes.set_xticklabels([f"{weight:g}" for weight in sorted(weights.values())])
        axes.set_xlabel("weight w of the labels")
        axes.set_ylabel(f"test errors, minus those of {LABELS}")
        figures.legend(axes)
