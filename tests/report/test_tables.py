"""Tables: what is paired with what, and over how many networks."""

import pytest

from kd_jax.report import contrasts, grouped, tables


def records(row, errors):
    """Records of one row from {teacher's seed: [test errors of its students]}."""
    return [
        {"row": row, "teacher_seed": teacher, "seed": seed, "test_errors": value}
        for teacher, values in errors.items()
        for seed, value in enumerate(values)
    ]


def test_students_of_several_teachers_are_compared_by_their_teachers_means():
    """Differences −1 and −3 of the first teacher's students, −5 and −7 of the second's.

    Their means are −2 and −6: mean −4, s.d. √8, half width 12.7062 · √8 / √2 = 25.412.
    """
    base = records("labels only", {0: [10, 20], 1: [30, 40]})
    ours = records("soft targets", {0: [9, 17], 1: [25, 33]})
    (_, line) = contrasts.compare(base + ours[::-1], "test_errors", "labels only")
    assert line.paired.mean == pytest.approx(-4)
    assert line.paired.half_width == pytest.approx(25.4124, abs=1e-3)
    assert line.values == [9, 17, 25, 33]


def test_students_of_one_teacher_are_compared_one_by_one():
    """Differences −1, −3 and −5: mean −3, s.d. 2, half width 4.3027 · 2 / √3 = 4.968."""
    base, ours = records("labels only", {4: [10, 20, 30]}), records("ours", {4: [9, 17, 25]})
    (_, line) = contrasts.compare(base + ours, "test_errors", "labels only")
    assert line.paired.mean == pytest.approx(-3)
    assert line.paired.half_width == pytest.approx(4.9683, abs=1e-3)


def test_students_of_other_teachers_are_no_pair():
    base, ours = records("labels only", {0: [10], 1: [20]}), records("ours", {0: [9, 17]})
    (_, line) = contrasts.compare(base + ours, "test_errors", "labels only")
    assert line.paired is None


def test_what_a_row_is_a_mean_over():
    old = [{"row": "a", "seed": seed} for seed in range(3)]
    assert grouped.counted(old) == "3 students of one teacher"
    assert grouped.counted(old[:1]) == "1 student of one teacher"
    assert grouped.counted(records("a", {0: [1, 2]})) == "2 students of one teacher"
    assert grouped.counted(records("a", {0: [1, 2], 1: [3, 4], 2: [5, 6]})) == (
        "2 students of each of 3 teachers"
    )
    alone = records("a", {0: [1], 1: [3]})
    assert grouped.counted(alone) == "2 students, each of a teacher of its own"


def test_a_table_says_what_its_intervals_speak_of():
    one, several = records("a", {0: [1, 2]}), records("a", {0: [1, 2], 1: [3, 4]})
    assert "this one teacher, on the same test examples; verdicts are corrected" in tables.scope(
        one
    )
    assert "for other teachers and their students, on the same test examples;" in tables.scope(
        several
    )
    known = [{**r, "test_right": "8:"} for r in several]
    assert "for other teachers and their students and test examples;" in tables.scope(known)
    assert "for other speakers, on the same test examples;" in tables.scope(one, "speakers")
    assert "for other draws; verdicts" in tables.scope(one, "draws", "")
    assert "for other draws; verdicts" in tables.scope(known, "draws", "")


def test_records_of_no_named_teacher_are_read_as_of_one_for_each_seed():
    old = [{"row": "a", "seed": seed, "test_errors": seed} for seed in range(3)]
    found = grouped.own_teachers(old + [{"row": "a", "teacher_seed": 3, "seed": 1}])
    assert [grouped.seeds(r) for r in found] == [(0, 0), (1, 0), (2, 0), (3, 1)]
    assert grouped.values(found[:3], "test_errors") == [0, 1, 2]


def test_an_interval_of_a_part_of_something_ends_at_all_of_it():
    """99 and 100: 99.5 ± 12.706 · 0.5."""
    assert tables.interval([99.0, 100.0]) == "[93.1, 105.9]"
    assert tables.interval([99.0, 100.0], within=(0, 100)) == "[93.1, 100.0]"
    assert tables.interval([99.0], within=(0, 100)) == "–"


def test_a_mean_below_0_has_the_minus_of_intervals():
    assert tables.mean_and_sd([-8.333], 2) == "−8.33"
    assert tables.mean_and_sd([-1.0, -3.0]) == "−2.0 ± 1.4"


def test_verdicts_are_corrected_for_all_columns_of_a_table():
    """One row against two baselines, three teachers: differences −5, −6, −7 and −1, −3, −5.

    The first: t = 6·√3/1 = 10.39, p = 0.0091, decided alone (0.05) and of two (0.025). The second:
    t = 3·√3/2 = 2.598, p = 0.122, never. And −2, −2.5, −3: t = 2.5·√3/0.5 = 8.66, p = 0.0131,
    decided of two as of one; of four comparisons 0.05/4 = 0.0125 is passed by the first alone,
    whereupon 0.05/3 = 0.0167 decides it too.
    """
    base = records("labels only", {t: [100] for t in range(3)})
    ours = records("ours", {t: [95 - t] for t in range(3)})
    other = records("other", {t: [99 - 2 * t] for t in range(3)})
    third = records("third", {t: [98 - t / 2] for t in range(3)})
    wanted = {
        "one": contrasts.Contrast(base + ours + other, "labels only"),
        "two": contrasts.Contrast(base + third + other, "labels only"),
    }
    found = contrasts.compare_each(wanted)
    verdicts = {(key, x.row): x.paired.verdict for key, of in found.items() for x in of if x.paired}
    assert verdicts == {
        ("one", "ours"): "BEATS", ("one", "other"): "INCONCLUSIVE",
        ("two", "third"): "BEATS", ("two", "other"): "INCONCLUSIVE",
    }  # fmt: skip
    assert {x.comparisons for of in found.values() for x in of} == {4}
    more = {n: contrasts.Contrast(base + other, "labels only") for n in range(3)}
    found = contrasts.compare_each({"two": wanted["two"], **more})
    (*_, third_line, _) = found["two"]
    assert third_line.paired.verdict == "INCONCLUSIVE"  # of five nothing passes 0.01


def test_a_margin_stated_beforehand_makes_small_differences_equivalent():
    """Differences 0, 1 and 2: 1 ± 4.3027/√3 = 1 ± 2.484, within 3.5 and not within 3.4."""
    base, ours = (
        records("a", {t: [10] for t in range(3)}),
        records("b", {t: [10 + t] for t in range(3)}),
    )
    for margin, verdict in ((3.5, "EQUIVALENT"), (3.4, "INCONCLUSIVE"), (0.0, "INCONCLUSIVE")):
        (_, line) = contrasts.compare(base + ours, "test_errors", "a", margin=margin)
        assert line.paired.verdict == verdict


def test_what_a_table_would_have_shown_stands_below_it():
    """Differences −1, −3, −5, one comparison: (4.3027 + 1.0607)·2/√3 = 6.19; nothing without."""
    base, ours = records("a", {4: [10, 20, 30]}), records("b", {4: [9, 17, 25]})
    lines = contrasts.compare(base + ours, "test_errors", "a")
    assert tables.power(lines, "test errors") == (
        "\nWould have been decided four times of five: differences of 6.2 test errors, by the "
        "row.\n"
    )
    assert tables.power(lines[:1], "test errors") == ""
