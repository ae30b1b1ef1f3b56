"""Tables and figures of federated distillation: accuracy by label skew, bytes and attack."""

import json
import pathlib
from typing import Any

import numpy as np

from experiments.federated.rows import (
    ATTACKED_MEAN,
    ATTACKED_MEDIAN,
    CENTRAL,
    FEDAVG,
    FEDDF,
    FEDDF_OTHERS,
    FEDMD,
    FEDMD_MEDIAN,
    FEDMD_MIXED,
    FEDMD_OTHERS,
    LOCAL,
    ROWS,
)
from kd_jax.metrics import statistics
from kd_jax.report import figures, sections, tables
from kd_jax.storage import jsonl

SHOWN = (LOCAL, FEDAVG, FEDDF, FEDMD, CENTRAL)
PAIRS = (
    (FEDDF, FEDAVG), (FEDMD, FEDAVG), (FEDMD, FEDDF), (FEDDF, CENTRAL), (FEDDF_OTHERS, FEDDF),
    (FEDMD_OTHERS, FEDMD), (FEDMD_MIXED, FEDMD), (FEDMD_MEDIAN, FEDMD), (ATTACKED_MEAN, FEDMD),
    (ATTACKED_MEDIAN, ATTACKED_MEAN), (ATTACKED_MEDIAN, FEDMD_MEDIAN),
)  # fmt: skip


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: a table for each alpha, who beats whom, and what was sent."""
    records, settings = (
        ordered(folder),
        json.loads((folder / "config.json").read_text(encoding="utf-8")),
    )
    by_alpha = tables.by("part", records)
    text = [
        f"Percent of the test digits, mean ± s.d. over {settings['seeds']} seeds, each with its "
        f"own partition of {settings['client_rows']:,} rows among {settings['clients']} clients, "
        f"paired.\n{settings['rounds']} rounds of {settings['steps']} steps on own rows and "
        f"{settings['distillation_steps']} on {settings['public_rows']:,} public inputs; "
        f"{settings['byzantine']} clients attack. Before the last\naggregation: a client alone, "
        f"and the ensemble of all clients. Bytes: to and from all clients; {CENTRAL} needs "
        f"the {785 * settings['client_rows']:,} of the rows, once.\n"
        f"{tables.scope(records, 'partitions and networks')}"
    ]
    for alpha, found in by_alpha.items():
        text += [f"Dirichlet alpha {alpha}", alpha_table(found)]
    pairs = [(alpha, *pair) for alpha in by_alpha for pair in PAIRS]
    options: dict[str, Any] = {"metric": "test_accuracy", "lower_is_better": False, "digits": 2}
    text += ["Paired comparisons, by alpha (part)", sections.compared(by_alpha, pairs, **options)]
    text += ["Server against the ensemble that it distills", servers(by_alpha)]
    return "\n\n".join([*text, "Robustness to the label-shift attack, by alpha", lost(by_alpha)])


def ordered(folder):
    """The records of a run folder in percent, by alpha and in the order of ROWS."""
    found = [tables.in_percent(r) for r in jsonl.records(folder)]
    return sorted(found, key=lambda r: (float(r["part"]), ROWS.index(r["row"]), tables.seeds(r)))


def alpha_table(records):
    """One line per row, paired with local training."""
    rows, lines = tables.by_row(records), []
    for line in tables.compare(records, "test_accuracy", LOCAL, lower_is_better=False):
        found = rows[line.row]
        lines.append([
            line.row,
            tables.spread(line, 2),
            tables.difference(line, 2),
            tables.verdict(line),
            tables.mean(found, "worst_accuracy", ".1f"),
            tables.mean(found, "client_accuracy", ".1f"),
            tables.mean(found, "ensemble_accuracy", ".1f"),
            f"{found[0]['bytes']:,}" if found[0]["bytes"] else sections.DASH,
        ])  # fmt: skip
    header = ["method", "test accuracy", f"vs. {LOCAL} [95 %]", "verdict", "worst client"]
    header += ["client before", "ensemble before", "bytes per round"]
    return tables.markdown(header, lines)


def servers(by_alpha):
    """FedDF's server against a client alone, and against the ensemble of all clients."""
    names, ours, tests = ("client_accuracy", "ensemble_accuracy"), {}, {}
    for alpha, found in by_alpha.items():
        server = tables.by_row(found)[FEDDF]
        ours[alpha] = tables.values(server, "test_accuracy")
        for name in names:
            tests[alpha, name] = statistics.above(ours[alpha], tables.values(server, name))
    less, lines = statistics.together(tests), []
    for alpha in by_alpha:
        both = [tables.line_of(FEDDF, ours[alpha], less[alpha, name]) for name in names]
        cells = [(tables.difference(x, 2), tables.verdict(x)) for x in both]
        lines.append([alpha, *cells[0], *cells[1]])
    header = ["alpha", f"{FEDDF} vs. a client before [95 %]", "verdict"]
    return tables.markdown([*header, "vs. the ensemble before [95 %]", "verdict"], lines)


def lost(by_alpha):
    """What the attack costs the mean and the median, each against itself without it."""
    shown, tests = {}, {}
    for alpha, found in by_alpha.items():
        rows = {row: tables.values(of, "test_accuracy") for row, of in tables.by_row(found).items()}
        cost = {"mean": (FEDMD, ATTACKED_MEAN), "median": (FEDMD_MEDIAN, ATTACKED_MEDIAN)}
        lost = {name: list(np.subtract(rows[a], rows[b])) for name, (a, b) in cost.items()}
        tests[alpha] = statistics.above(lost["median"], lost["mean"], lower_is_better=True)
        shown[alpha] = [tables.mean_and_sd(x, 2).replace("-", "−") for x in lost.values()]
    lines = [
        [alpha, *shown[alpha], found.verdict] for alpha, found in statistics.together(tests).items()
    ]
    header = ["alpha", "points lost by the mean", "by the median", "median vs. mean"]
    return tables.markdown(header, lines)


def draw(folder: pathlib.Path) -> None:
    """Both figures of a run folder: by round and byte, and under attack."""
    by_alpha = tables.by("part", ordered(folder))
    size = (4.0 * len(by_alpha), 6.8)
    with figures.figure(folder / "by_round.png", 2, len(by_alpha), size, squeeze=False) as axes:
        for column, (alpha, found) in enumerate(by_alpha.items()):
            axes[0, column].set_title(f"Dirichlet alpha {alpha}")
            curves(axes[0, column], found)
            by_bytes(axes[1, column], found)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        axes[0, 0].figure.legend(handles, labels, loc="outside upper center", ncols=len(SHOWN))
    with figures.figure(folder / "label_shift_attack.png", size=(6.0, 3.6)) as axes:
        bars(axes, by_alpha)


def curves(axes, records):
    """Validation accuracy after each round, with the 95 % interval of its mean over seeds."""
    rows = tables.by_row(records)
    for row, color in zip(SHOWN, figures.COLORS):
        values = 100 * np.array(tables.values(rows[row], "validation_curve")).T
        x = np.arange(1, len(values) + 1)
        half = np.array([statistics.half_width(of_round) for of_round in values])
        axes.plot(x, values.mean(1), "o-", ms=3, color=color, label=row)
        axes.fill_between(x, values.mean(1) - half, values.mean(1) + half, color=color, alpha=0.15)
    axes.set(xlabel="round", ylabel="validation accuracy (%)")


def by_bytes(axes, records):
    """The same against the megabytes sent so far, for rows that send any."""
    rows = tables.by_row(records)
    for row, color in zip(SHOWN, figures.COLORS):
        if rows[row][0]["bytes"]:
            values = 100 * np.mean(tables.values(rows[row], "validation_curve"), axis=0)
            sent = rows[row][0]["bytes"] / 1e6 * np.arange(1, len(values) + 1)
            axes.plot(sent, values, "o-", ms=3, color=color)
    axes.set(xlabel="megabytes sent by and to all clients", ylabel="validation accuracy (%)")


def bars(axes, by_alpha):
    """Test accuracy of mean and median, with and without the attack, by alpha."""
    shown = FEDMD, ATTACKED_MEAN, FEDMD_MEDIAN, ATTACKED_MEDIAN
    for number, (row, color) in enumerate(zip(shown, figures.COLORS)):
        values = [tables.values(tables.by_row(x)[row], "test_accuracy") for x in by_alpha.values()]
        x = np.arange(len(values)) + 0.2 * (number - 1.5)
        half = [statistics.half_width(of_alpha) for of_alpha in values]
        axes.bar(x, np.mean(values, axis=1), 0.2, yerr=half, color=color, label=row)
    axes.set_xticks(range(len(by_alpha)), [f"alpha {alpha}" for alpha in by_alpha])
    axes.set(ylabel="test accuracy (%)")
    axes.grid(axis="x", visible=False)
    axes.figure.legend(fontsize=8, loc="outside upper center", ncols=2)
