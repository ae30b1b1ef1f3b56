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
    FEDDF_STOPPED,
    FEDMD,
    FEDMD_COUNTS,
    FEDMD_MEDIAN,
    FEDMD_MIXED,
    FEDMD_OTHERS,
    LOCAL,
    ROWS,
)
from kd_jax.metrics import means, statistics
from kd_jax.report import class_figures, contrasts, figures, grouped, marks, roles, sections, tables
from kd_jax.storage import jsonl

STOPPED = "server_epochs"  # of a record, in every round
SHOWN = (LOCAL, FEDAVG, FEDDF, FEDMD, CENTRAL)
PAIRS = (
    (FEDDF, FEDAVG), (FEDMD, FEDAVG), (FEDMD, FEDDF), (FEDDF, CENTRAL), (FEDDF_STOPPED, FEDDF),
    (FEDDF_OTHERS, FEDDF), (FEDMD_COUNTS, FEDMD), (FEDMD_OTHERS, FEDMD), (FEDMD_MIXED, FEDMD),
    (FEDMD_MEDIAN, FEDMD), (ATTACKED_MEAN, FEDMD), (ATTACKED_MEDIAN, ATTACKED_MEAN),
    (ATTACKED_MEDIAN, FEDMD_MEDIAN),
)  # fmt: skip


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: a table for each alpha, who beats whom, and what was sent."""
    records, settings = (
        ordered(folder),
        json.loads((folder / "config.json").read_text(encoding="utf-8")),
    )
    by_alpha, margin = grouped.by("part", records), settings.get("margin", 0.0)
    text = [
        f"Percent of the test digits, mean ± s.d. over {settings['seeds']} seeds, each with its "
        f"own partition of {settings['client_rows']:,} rows among {settings['clients']} clients, "
        f"paired.\n{settings['rounds']} rounds of {settings['steps']} steps on own rows and "
        f"{settings['distillation_steps']} on {settings['public_rows']:,} public inputs; "
        f"{settings['byzantine']} clients attack. Before the last\naggregation: a client alone, "
        f"and the ensemble of all clients. Bytes: to and from all clients; {CENTRAL} needs "
        f"the {785 * settings['client_rows']:,} of the rows, once.\n"
        f"{tables.margin_note(margin, 'points')}{sections.DETECTABLE}\n"
        f"{tables.scope(records, 'partitions and networks')}"
    ]
    for alpha, found in by_alpha.items():
        text += [f"Dirichlet alpha {alpha}", alpha_table(found)]
    pairs = [(alpha, *pair) for alpha in by_alpha for pair in PAIRS]
    options: dict[str, Any] = {"metric": "test_accuracy", "lower_is_better": False, "digits": 2}
    text += ["Paired comparisons, by alpha (part)", sections.compared(by_alpha, pairs, **options)]
    text += ["Server against the ensemble that it distills", servers(by_alpha, margin)]
    text += ["Robustness to the label-shift attack, by alpha", lost(by_alpha)]
    if all("client_drift" in r for r in records):  # older records do not have it
        steps = f"{settings['steps']} more steps on own rows after the last aggregation"
        text += [f"Client drift: {steps}", drift(by_alpha)]
    if any(STOPPED in r for r in records):
        most = settings["server_epochs"]
        text += [
            f"Early stopping of the server, after {most} epochs at most",
            stopped(by_alpha, most),
        ]
    return "\n\n".join(text)


def ordered(folder):
    """The records of a run folder in percent, by alpha and in the order of ROWS."""
    found = [grouped.in_percent(r) for r in jsonl.records(folder)]
    return sorted(found, key=lambda r: (float(r["part"]), ROWS.index(r["row"]), grouped.seeds(r)))


def alpha_table(records):
    """One line per row, paired with local training."""
    rows, lines = grouped.by_row(records), []
    for line in contrasts.compare(records, "test_accuracy", LOCAL, lower_is_better=False):
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


def servers(by_alpha, margin):
    """FedDF's server against a client alone, and against the ensemble of all clients."""
    names, ours, tests = ("client_accuracy", "ensemble_accuracy"), {}, {}
    for alpha, found in by_alpha.items():
        server = grouped.by_row(found)[FEDDF]
        ours[alpha] = grouped.values(server, "test_accuracy")
        for name in names:
            tests[alpha, name] = statistics.above(ours[alpha], grouped.values(server, name))
    less, lines = statistics.together(tests, margin=margin), []
    for alpha in by_alpha:
        both = [contrasts.line_of(FEDDF, ours[alpha], less[alpha, name]) for name in names]
        cells = [(tables.difference(x, 2), tables.verdict(x)) for x in both]
        lines.append([alpha, *cells[0], *cells[1]])
    header = ["alpha", f"{FEDDF} vs. a client before [95 %]", "verdict"]
    return tables.markdown([*header, "vs. the ensemble before [95 %]", "verdict"], lines)


def lost(by_alpha):
    """What the attack costs the mean and the median, each against itself without it."""
    shown, tests = {}, {}
    for alpha, found in by_alpha.items():
        rows = {
            row: grouped.values(of, "test_accuracy") for row, of in grouped.by_row(found).items()
        }
        cost = {"mean": (FEDMD, ATTACKED_MEAN), "median": (FEDMD_MEDIAN, ATTACKED_MEDIAN)}
        lost = {name: list(np.subtract(rows[a], rows[b])) for name, (a, b) in cost.items()}
        tests[alpha] = statistics.above(lost["median"], lost["mean"], lower_is_better=True)
        shown[alpha] = [tables.mean_and_sd(x, 2).replace("-", "−") for x in lost.values()]
    lines = [
        [alpha, *shown[alpha], found.verdict] for alpha, found in statistics.together(tests).items()
    ]
    header = ["alpha", "points lost by the mean", "by the median", "median vs. mean"]
    return tables.markdown(header, lines)


def drift(by_alpha):
    """What clients lose of the last aggregation while they train on; verdicts are of all alphas."""
    shown, tests = {}, {}
    for alpha, found in by_alpha.items():
        for row, own in grouped.by_row(found).items():
            after = grouped.values(own, "drifted_accuracy")
            tests[alpha, row] = statistics.above(after, grouped.values(own, "test_accuracy"))
            shown[alpha, row] = own, after
    lines = []
    for (alpha, row), less in statistics.together(tests).items():
        own, after = shown[alpha, row]
        line = contrasts.line_of(row, after, less)
        agreement = 100 * np.mean(grouped.values(own, "drift_agreement"))
        distance = tables.mean(own, "client_drift", ".2f")
        cells = tables.spread(line, 2), tables.difference(line, 2), tables.verdict(line)
        lines.append([alpha, row, *cells, f"{agreement:.1f}", distance])
    header = ["alpha", "method", "test accuracy, trained on", "minus that before [95 %]", "verdict"]
    return tables.markdown([*header, "same class, %", "squared distance"], lines)


def stopped(by_alpha, most):
    """How many epochs the server took: the mean over rounds, and how often none or all."""
    lines = []
    for alpha, found in by_alpha.items():
        epochs = np.array(grouped.values(grouped.by_row(found)[FEDDF_STOPPED], STOPPED))
        of_seeds = tables.mean_and_sd(epochs.mean(1))
        shares = (f"{100 * np.mean(epochs == x):.0f}" for x in (0, most))
        lines.append([alpha, of_seeds, *shares])
    return tables.markdown(["alpha", "epochs", "rounds with none, %", "with the most, %"], lines)


def draw(folder: pathlib.Path) -> None:
    """Both figures of a run folder: by round and byte, and under attack."""
    by_alpha = grouped.by("part", ordered(folder))
    caption = (
        "Validation accuracy by round, and by megabytes sent, for three skews of the clients' "
        "labels. Lines are means over partitions, bands 95 % intervals of the mean."
    )
    size = (figures.WIDEST, 5.6)
    about: dict = {"caption": caption, "squeeze": False, "sharey": "col"}
    with figures.figure(folder / "by_round.svg", 2, len(by_alpha), size, **about) as axes:
        for (above, below), (alpha, found) in zip(axes.T, by_alpha.items()):
            above.set_title(f"Dirichlet alpha {alpha}", fontsize=9)
            curves(above, found)
            by_bytes(below, found)
        for line in axes:
            line[0].set_ylabel("validation accuracy, %")
        figures.legend(axes[0, 0])
    caption = (
        "Test accuracy with and without a label-shift attack, when logits are averaged and when "
        "their median is taken. Bars are means over partitions, whiskers 95 % intervals."
    )
    about = {"caption": caption, "table": "Robustness", "size": (6.0, 3.6)}
    with figures.figure(folder / "label_shift_attack.svg", **about) as axes:
        bars(axes, by_alpha)


def curves(axes, records):
    """Validation accuracy after each round, with the 95 % interval of its mean over seeds."""
    rows, looks = grouped.by_row(records), roles.styles(SHOWN)
    for row, role in looks.items():
        values = 100 * np.array(grouped.values(rows[row], "validation_curve")).T
        x, mean = range(1, len(values) + 1), values.mean(1)
        half = np.array([means.half_width(of_round) for of_round in values])
        low, high = np.clip([mean - half, mean + half], *means.PERCENT)
        marks.line(axes, x, mean, row, role, every=3)
        axes.fill_between(x, low, high, color=role.color, alpha=0.15, lw=0)
    axes.set_xlabel("round")


def by_bytes(axes, records):
    """The same against the megabytes sent so far, for rows that send any."""
    rows = grouped.by_row(records)
    for row, role in roles.styles(SHOWN).items():
        if rows[row][0]["bytes"]:
            values = 100 * np.mean(grouped.values(rows[row], "validation_curve"), axis=0)
            sent = rows[row][0]["bytes"] / 1e6 * np.arange(1, len(values) + 1)
            marks.line(axes, sent, values, row, role, every=3)
    axes.set_xlabel("megabytes, to and from all clients")


def bars(axes, by_alpha):
    """Test accuracy of mean and median, with and without the attack, by alpha."""
    shown = FEDMD, ATTACKED_MEAN, FEDMD_MEDIAN, ATTACKED_MEDIAN
    looks = roles.styles([*SHOWN, FEDMD_MEDIAN])  # colors as in the curves
    colors = looks[FEDMD].color, looks[FEDMD_MEDIAN].color
    for number, row in enumerate(shown):
        color, hatch = colors[number // 2], class_figures.HATCHES[number % 2]
        values = [
            grouped.values(grouped.by_row(x)[row], "test_accuracy") for x in by_alpha.values()
        ]
        x = np.arange(len(values)) + 0.2 * (number - 1.5)
        half = [means.half_width(of_alpha) for of_alpha in values]
        look = {"color": color, "hatch": hatch, "ec": "white", "error_kw": {"lw": 0.8}}
        axes.bar(x, np.mean(values, axis=1), 0.2, yerr=half, label=row, **look)
    axes.set_xticks(range(len(by_alpha)), [f"alpha {alpha}" for alpha in by_alpha])
    axes.set(ylabel="test accuracy, %")
    axes.grid(axis="x", visible=False)
    figures.legend(axes)
