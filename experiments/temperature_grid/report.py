"""Tables of errors over temperature: the printed rows, every data set, the claims, the widths."""

import functools

import numpy as np

from experiments.temperature_grid import optimum
from kd_jax.metrics import statistics
from kd_jax.report import tables

TEACHER, LABELS, SOFT, PERMUTED = "teacher", "labels only", "soft targets", "permuted teacher"
PRINTED_TASK, PRINTED_ROWS, CLAIMED = "sep 0.2, informative 0.5", 10_000, (2.5, 5.0)
PRINTED = {
    TEACHER: 118,
    LABELS: 587,
    f"{SOFT}, T=2": 199,
    f"{SOFT}, T=2.5": 213,
    f"{SOFT}, T=3": 231,
}


def middle(temperatures):
    """The temperature that stands for all: the one nearest to 3, which the tutorial uses."""
    return min(temperatures, key=lambda t: abs(t - 3))


def of(records, **wanted):
    """The records that hold all the wanted values."""
    return [r for r in records if wanted.items() <= r.items()]


def named(records, key):
    """The values of `key` in the records, in order of first appearance."""
    return list(dict.fromkeys(record[key] for record in records))


def curve(records, metric="test_errors"):
    """(values [S, T], temperatures ascending) of the soft targets among the records."""
    soft = of(records, family=SOFT)
    temperatures = sorted(set(named(soft, "temperature")))
    values = [
        [r[metric] for r in sorted(of(soft, temperature=t), key=lambda r: r["seed"])]
        for t in temperatures
    ]
    return np.array(values, float).T, temperatures


def found_optimum(records):
    """The Optimum of the soft targets among the records of one data set and width."""
    return optimum.find(*curve(records))


def lines_of(records):
    """{row: Line} of one data set and width, against the labels."""
    return {line.row: line for line in tables.compare(records, "test_errors", LABELS)}


def verdict(found):
    """'optimum' or 'no optimum'."""
    return "optimum" if found.exists else "no optimum"


def interval(low, high):
    """'[2, 5]'; a dash when there is no interval."""
    return "–" if np.isnan(low) else f"[{low:g}, {high:g}]"


def text(records, settings):
    """All tables that the records allow. Args: settings: the run's config.json."""
    grid, widths = of(records, part="grid"), of(records, part="width")
    parts = [notes(settings)]
    if grid:
        parts += printed(grid, settings), by_task(grid), claims(grid)
    if widths:
        parts += growth(widths), by_width(widths, settings)
    return "\n".join(parts)


def notes(settings):
    """What every table of the run shares."""
    return (
        f"Mean ± s.d. over {settings['seeds']} seeds, paired by seed; on the artificial data sets "
        "each seed has its own teacher.\nT_opt is the temperature with the least mean test "
        "errors, in brackets its 95 % bootstrap interval over seeds: a statistic of the curve, "
        "not a choice.\nFlat: the contiguous temperatures around T_opt whose paired 95 % interval "
        "against it includes zero; where they reach the lowest or highest\ntemperature, the curve "
        "was not seen to turn and there is no optimum.\n"
    )


def printed(records, settings):
    """Every row of the one data set of which the tutorial prints rows, or of the first."""
    task = PRINTED_TASK if of(records, task=PRINTED_TASK) else records[0]["task"]
    same = task == PRINTED_TASK and settings["samples"] * 0.2 == PRINTED_ROWS
    lines = [
        [
            line.row,
            PRINTED.get(line.row, "–") if same else "–",
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
        ]
        for line in lines_of(of(records, task=task)).values()
    ]
    header = [
        task, "printed", f"test errors of {round(settings['samples'] * 0.2):,}",
        "difference to labels only [95 %]", "verdict",
    ]  # fmt: skip
    return tables.markdown(header, lines)


def by_task(records):
    """One line per data set: teacher, labels, one temperature, T_opt and the flat range."""
    rows = []
    at = middle(curve(of(records, task=records[0]["task"]))[1])
    for task in sorted(named(records, "task")):
        here = of(records, task=task)
        lines, found = lines_of(here), found_optimum(here)
        soft, shuffled = lines[f"{SOFT}, T={at:g}"], lines[f"{PERMUTED}, T={at:g}"]
        rows.append([
            task,
            tables.spread(lines[TEACHER]),
            tables.spread(lines[LABELS]),
            tables.spread(soft),
            tables.difference(soft),
            tables.verdict(soft),
            tables.spread(shuffled),
            f"{found.value:g} {interval(found.low, found.high)}",
            "{:g}–{:g}".format(*found.flat),
            verdict(found),
        ])  # fmt: skip
    header = [
        "data set", TEACHER, LABELS, f"T={at:g}", f"T={at:g} minus labels [95 %]", "verdict",
        f"{PERMUTED}, T={at:g}", "T_opt [95 %]", "flat", "curve",
    ]  # fmt: skip
    return tables.markdown(header, rows)


def claims(records):
    """The tutorial's two claims about all data sets, decided by the intervals."""
    tasks, (low, high) = named(records, "task"), CLAIMED
    found = [found_optimum(of(records, task=task)) for task in tasks]
    within = [optimum.lies_within(each, low, high) for each in found]
    lines = [lines_of(of(records, task=task)) for task in tasks]
    at = middle(curve(of(records, task=tasks[0]))[1])
    at_one = [beats([each[f"{SOFT}, T={at:g}"]]) for each in lines]
    at_all = [beats([x for row, x in each.items() if row.startswith(SOFT)]) for each in lines]
    count = len(tasks)
    rows = [
        [
            claim,
            *(f"{verdicts.count(word)} of {count}" for word in WORDS),
            optimum.together(verdicts),
        ]
        for claim, verdicts in (
            (f"T_opt lies in ({low:g}, {high:g})", within),
            (f"distilled at T={at:g} beats labels", at_one),
            ("distilled at every T beats labels", at_all),
        )
    ]
    header = ["claim, for all data sets", *(word.lower() for word in WORDS), "verdict"]
    return tables.markdown(header, rows)


WORDS = (statistics.SUPPORTED, statistics.CONTRADICTED, statistics.UNDECIDED)


def beats(lines):
    """Whether all of the lines beat the labels: the verdict on a claim, from theirs."""
    verdicts = [line.paired.verdict for line in lines]
    if statistics.WORSE in verdicts:
        return statistics.CONTRADICTED
    return statistics.SUPPORTED if set(verdicts) == {statistics.BEATS} else statistics.UNDECIDED


def stacked(records):
    """(errors [S, W, T], temperatures, widths ascending) of the records of one data set."""
    widths = sorted(named(records, "width"))
    curves = [curve(of(records, width=width)) for width in widths]
    return np.stack([errors for errors, _ in curves], axis=1), curves[0][1], widths


def growth(records):
    """Whether T_opt grows with the student's width: one line per data set, by the slope."""
    rows = []
    for task in named(records, "task"):
        errors, temperatures, widths = stacked(of(records, task=task))
        axes = {"temperatures": temperatures, "widths": widths}
        slope, ranks = (
            statistics.bootstrap(errors, functools.partial(statistic, **axes))
            for statistic in (optimum.slope, optimum.rank_correlation)
        )
        rows.append([
            task,
            f"{slope.value:.2f} {signed(slope)}",
            f"{ranks.value:.2f} {signed(ranks)}",
            optimum.sign(slope),
        ])  # fmt: skip
    header = [
        "data set", "slope of log T_opt on log width [95 %]", "rank correlation [95 %]",
        "T_opt grows with width",
    ]  # fmt: skip
    return tables.markdown(header, rows)


def signed(found):
    """'[−0.10, 0.42]', or a dash without an interval."""
    if np.isnan(found.low):
        return "–"
    return f"[{found.low:.2f}, {found.high:.2f}]".replace("-", "−")


def by_width(records, settings):
    """One line per data set and width; and what was shortened."""
    rows = []
    for task in named(records, "task"):
        for width in sorted(named(of(records, task=task), "width")):
            here = of(records, task=task, width=width)
            lines, found = lines_of(here), found_optimum(here)
            rows.append([
                task,
                width,
                here[0]["epochs"],
                tables.spread(lines[LABELS]),
                tables.spread(lines[f"{SOFT}, T={found.value:g}"]),
                f"{found.value:g} {interval(found.low, found.high)}",
                "{:g}–{:g}".format(*found.flat),
                verdict(found),
            ])  # fmt: skip
    header = [
        "data set", "units per layer", "epochs", LABELS, "at T_opt", "T_opt [95 %]", "flat",
        "curve",
    ]  # fmt: skip
    note = (
        f"\nThe students of the grid train for {settings['epochs']} epochs, these for "
        f"{settings['width_epochs']} (artificial) and {settings['mnist_epochs']} (MNIST, one "
        "teacher for all seeds);\n--preset=paper is the full length, with more temperatures "
        "on MNIST.\n"
    )
    return tables.markdown(header, rows) + note
