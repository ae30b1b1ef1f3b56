"""Tables of the tutorial: verdicts and levels, derived by hand."""

import numpy as np
from scipy import stats

from experiments.mnist_tutorial import report
from experiments.mnist_tutorial import rows as named
from kd_jax.report import sections


def made(part, row, seed, errors=0, threes=0.0):
    by_class = [0.0] * 3 + [threes] + [0.0] * 6
    more = {"test_errors": errors, "test_accuracy": 0.5, "test_class_accuracy": by_class}
    return {"part": part, "row": row, "seed": seed, **more}


def lines_of(markdown):
    """The lines of a Markdown table below its header, as lists of cells."""
    lines = markdown.splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def signed(value, form):
    return format(value, form).replace("-", "−")


def test_a_level_is_passed_by_the_means_of_teachers():
    """Accuracies of four students, 0.5 and 0.7 of one teacher, 0.7 and 0.9 of another.

    The teachers' means are 0.6 and 0.8: mean 0.7, s.d. √0.02, half width 12.7062 · 0.1 = 1.2706.
    """
    records = [
        {**made("2b", named.SOFT, seed), "teacher_seed": teacher, "test_accuracy": value}
        for teacher, values in enumerate([(0.5, 0.7), (0.7, 0.9)])
        for seed, value in enumerate(values)
    ]
    ((*_, shown, _, _, _),) = lines_of(
        sections.levels({"2b": records}, [("2b", named.SOFT, None, 0.5)])
    )
    assert shown == "70.0% [−57.1%, 197.1%]"


def test_who_makes_fewer_errors_is_decided_by_students_interval():
    errors = {
        named.SOFT: (300, 305, 310, 301),
        named.LABELS: (350, 352, 371, 349),  # all clearly more
        named.MIXED: (351, 350, 373, 347),  # as the labels
        named.PERMUTED: (250, 256, 259, 251),  # all clearly fewer
        named.UNIFORM: (301, 303, 311, 300),
        named.OF_CNN: (299, 306, 310, 302),  # as the dense teacher's
        named.OF_CNN_2D: (249, 256, 260, 251),
    }
    records = [
        made("1", row, seed, count) for row, of in errors.items() for seed, count in enumerate(of)
    ]
    lines = lines_of(sections.compared({"1": records[::-1]}, named.COMPARED))
    open_ = "INCONCLUSIVE"
    verdicts = ["BEATS", open_, "WORSE", open_, "BEATS", "WORSE", open_]
    pairs = [(row, against) for part, row, against in named.COMPARED if part == "1"]
    assert [(line[1], line[2]) for line in lines] == pairs
    for line, verdict in zip(lines, verdicts, strict=True):
        _, row, against, shown, word, _ = line
        difference = np.subtract(errors[row], errors[against])
        low, high = stats.t.interval(0.95, 3, difference.mean(), stats.sem(difference))
        mean, low, high = (signed(x, "+.1f") for x in (difference.mean(), low, high))
        assert (shown, word) == (f"{mean} [{low}, {high}]", verdict)


THREES = {
    named.SOFT: (0.60, 0.62, 0.61),
    named.MATCHED: (0.30, 0.35, 0.31),
    named.INITIAL_BIAS["2a"]: (0.10, 0.80, 0.50),
    named.FREE: (0.86, 0.87, 0.865),
    named.VALIDATED: (0.84, 0.86, 0.85),
}


def shown_levels(seeds):
    records = [
        made("2a", row, seed, threes=of[seed]) for row, of in THREES.items() for seed in seeds
    ]
    return lines_of(sections.levels({"2a": records}, named.LEVELS))


def test_levels_are_passed_when_the_whole_interval_is_above_them():
    # t = 19.05, −11.77, −0.16, 5.20 and 0: p = 0.0027, 0.0071, 0.88, 0.035 and 1; Holm asks for
    # 0.01, 0.0125, then 0.0167, which the fourth misses though its own interval is above 85 %
    verdicts = ["BEATS", "WORSE", "INCONCLUSIVE", "INCONCLUSIVE", "INCONCLUSIVE"]
    for line, (row, values), verdict in zip(shown_levels(range(3)), THREES.items(), verdicts):
        low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
        mean, low, high = (signed(x, ".1%") for x in (np.mean(values), low, high))
        level = "85%" if row in (named.FREE, named.VALIDATED) else "50%"
        size = stats.t.ppf([0.995, 0.8], 2).sum() * stats.sem(values)  # of five comparisons
        cells = f"{mean} [{low}, {high}]", level, verdict, f"{size:.1%}"
        assert line == ["2a", row, "3s", *cells]


def test_one_seed_has_a_level_and_no_interval():
    assert [line[3] for line in shown_levels([0])] == ["60.0%", "30.0%", "10.0%", "86.0%", "84.0%"]
    assert {line[5] for line in shown_levels([0])} == {"–"}


def test_pairs_of_absent_rows_are_left_out_and_the_size_that_would_have_shown_is_told():
    """Differences 1, 2, 3, 4 of one comparison: (t of 0.975 + t of 0.8) · √(5/3)/2."""
    errors = {named.SOFT: (11, 12, 13, 14), named.LABELS: (10, 10, 10, 10)}
    records = [
        made("1", row, seed, count) for row, of in errors.items() for seed, count in enumerate(of)
    ]
    pairs = [("1", named.SOFT, named.LABELS), ("1", named.SOFT, named.UNIFORM), ("2a", "x", "y")]
    (line,) = lines_of(sections.compared({"1": records}, pairs))
    size = stats.t.ppf([0.975, 0.8], 3).sum() * np.sqrt(5 / 3) / 2
    assert line[1:3] == [named.SOFT, named.LABELS] and line[-1] == f"{size:.1f}"


def test_a_difference_within_the_margin_is_equivalent():
    """Differences of −1, 0 and 1: mean 0, half width 4.303 · 1/√3 = 2.48, and t = 0 is open."""
    rows = {"labels": (10, 11, 12), "soft": (9, 11, 13)}
    found = [
        {**made("1", row, seed, x), "test_wrong": [0] * 10}
        for row, errors in rows.items()
        for seed, x in enumerate(errors)
    ]
    verdicts = [
        lines_of(sections.table(found, {}, "labels", {}, margin=margin).split("\n\n")[0])[1][4]
        for margin in (0, 2, 3)
    ]
    assert verdicts == ["INCONCLUSIVE", "INCONCLUSIVE", "EQUIVALENT"]


def test_wrong_3s_and_the_gap_to_training_images_are_compared_in_pairs():
    """Of the 3s 5, 6, 7 fewer; the gap 60, 61, 62 less: 40 − 30 against 100 − 30, and so on."""
    biased = named.INITIAL_BIAS["2a"]
    parts = {"1": [], "2a": []}
    for seed in range(3):
        for row, threes in ((named.SOFT, 20), (biased, 15 - seed)):
            wrong = [0, 0, 0, threes, *[0] * 6]
            parts["2a"].append({**made("2a", row, seed), "test_wrong": wrong})
        for row, errors in ((named.SOFT, 40), (named.LABELS, 100 + seed)):
            curves = {f"train{named.BY_EPOCH}": [90, 30]}
            parts["1"].append({**made("1", row, seed, errors), **curves})
    (line,) = lines_of(report.threes({"2a": parts["2a"]}))
    assert line[1:4] == [biased, named.SOFT, "−6.0 [−8.5, −3.5]"] and line[4] == "BEATS"
    (line,) = lines_of(report.gaps(parts))
    assert line[1:4] == [named.SOFT, named.LABELS, "−61.0 [−63.5, −58.5]"]


def test_records_of_before_learning_curves_have_no_gap():
    records = [made("1", row, seed) for row in (named.SOFT, named.LABELS) for seed in range(3)]
    assert lines_of(report.gaps({"1": records})) == []
