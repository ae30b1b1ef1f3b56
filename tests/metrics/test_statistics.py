"""Intervals and verdicts against scipy, and the tables that show them."""

import functools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from kd_jax.errors import InputError
from kd_jax.metrics import ratios, statistics
from kd_jax.report import contrasts, tables


def test_paired_interval_is_students():
    a, b = np.array([105.0, 98, 111, 104, 99]), np.array([120.0, 119, 125, 118, 130])
    expected = scipy_stats.ttest_rel(a, b).confidence_interval(0.95)
    found = statistics.paired(a, b)
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-9)
    assert found.mean == pytest.approx(-19.0)  # (−15 −21 −14 −14 −31) / 5


def test_verdict_follows_the_interval_and_the_direction():
    low, high = [1.0, 2.0, 1.5, 1.2], [9.0, 9.5, 9.2, 9.9]
    assert statistics.paired(low, high).verdict == statistics.BEATS
    assert statistics.paired(high, low).verdict == statistics.WORSE
    assert statistics.paired(low, high, lower_is_better=False).verdict == statistics.WORSE
    # differences −1, 1, −1, 1: the mean is 0, the interval holds it
    assert statistics.paired([0, 2, 0, 2], [1, 1, 1, 1]).verdict == statistics.INCONCLUSIVE


def test_fewer_than_three_seeds_have_no_verdict_and_one_no_interval():
    found = statistics.paired([1.0], [2.0])
    assert math.isnan(found.low) and found.verdict == statistics.NO_VERDICT
    assert statistics.paired([1.0, 1.0], [2.0, 2.0]) == (-1, -1, -1, statistics.NO_VERDICT)
    assert statistics.paired([1.0] * 3, [2.0] * 3) == (-1, -1, -1, statistics.BEATS)
    pair = functools.partial(statistics.paired, [1.0, 1.0], [2.0, 2.0])
    found = statistics.together({"a": pair, "b": pair})
    assert [x.verdict for x in found.values()] == [statistics.NO_VERDICT] * 2


def test_paired_refuses_different_lengths():
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        statistics.paired([1, 2], [1, 2, 3])


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.5, 95, math.nan])
def test_a_level_lies_between_0_and_1(level):
    for compared in (
        lambda: statistics.paired([1, 2], [2, 4], level=level),
        lambda: statistics.crossed(np.eye(3), level=level),
        lambda: statistics.together({}, level=level),
        lambda: ratios.fieller([1.0, 2.0], [1.0, 1.0], level=level),
    ):
        with pytest.raises(InputError, match=r"level is .* expected between 0 and 1"):
            compared()


def test_students_without_examples_are_refused():
    for differences in (np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3)):
        with pytest.raises(InputError, match="expected .students, examples."):
            statistics.crossed(differences)
    with pytest.raises(InputError, match="expected one number per seed"):
        statistics.paired(np.zeros((2, 3)), np.zeros((2, 3)))


RECORDS = [
    {"row": row, "seed": seed, "errors": errors + seed}
    for row, errors in (("labels", 10), ("soft", 7))
    for seed in (2, 0, 1)
] + [{"row": "teacher", "seed": 0, "errors": 3}]


def test_lines_pair_by_seed_whatever_the_order():
    labels, soft, teacher = contrasts.compare(RECORDS, "errors", "labels")
    assert soft.values == [7, 8, 9] and soft.paired.mean == -3
    assert labels.paired is None and teacher.paired is None
    assert tables.spread(soft) == "8.0 ± 1.0" and tables.spread(teacher) == "3.0"
    assert tables.difference(soft) == "−3.0 [−3.0, −3.0]" and tables.difference(teacher) == "–"


def test_markdown_is_padded():
    assert (
        tables.markdown(["a", "bb"], [["ccc", 1]]) == "| a   | bb |\n|-----|----|\n| ccc | 1  |\n"
    )


def of_p(p):
    """A comparison whose interval of a level excludes zero exactly if p ≤ 1 − level."""

    def compare(level):
        half = 1.0 if p <= 1 - level + 1e-12 else 3.0
        verdict = statistics.BEATS if half < 2 else statistics.INCONCLUSIVE
        return statistics.Paired(-2.0, -2 - half, -2 + half, verdict)

    return compare


@pytest.mark.parametrize(
    "p, decided",
    [
        # 0.05/3 decides the first, then 0.05/2 the second, then 0.05 the third
        ([0.016, 0.024, 0.049], [True, True, True]),
        ([0.049, 0.016, 0.024], [True, True, True]),
        # 0.03 is above 0.05/2: it and the one above it stay open, though each is below 0.05
        ([0.016, 0.03, 0.031], [True, False, False]),
        ([0.02, 0.02, 0.02], [False, False, False]),  # none is below 0.05/3
        ([0.04], [True]),
        ([], []),
    ],
)
def test_verdicts_of_one_table_are_holms(p, decided):
    found = [*statistics.together({n: of_p(each) for n, each in enumerate(p)}).values()]
    assert [each.verdict == statistics.BEATS for each in found] == decided
    # the intervals stay those of each comparison by itself
    assert [each.half_width for each in found] == [1.0 if each <= 0.05 else 3.0 for each in p]


def test_a_difference_within_a_margin_stated_beforehand_is_equivalent():
    # differences ±1: s.d. 1.1547, half the width 3.182 · 1.1547/√4 = 1.837
    pair = functools.partial(statistics.paired, [0, 2, 0, 2], [1, 1, 1, 1])
    far = functools.partial(statistics.paired, [1, 3, 1, 3], [1, 1, 1, 1])

    def verdicts(margin):
        found = statistics.together({"near": pair, "far": far}, margin=margin)
        return [x.verdict for x in found.values()]

    assert verdicts(0) == verdicts(1.8) == [statistics.INCONCLUSIVE] * 2
    assert verdicts(1.9) == [statistics.EQUIVALENT, statistics.INCONCLUSIVE]
    assert verdicts(2.9) == [statistics.EQUIVALENT] * 2  # 1 ± 1.837 ends at 2.837
    sure = functools.partial(statistics.paired, [0.1, 0.11, 0.1], [0, 0, 0])
    assert statistics.together({"": sure}, margin=1.0)[""].verdict == statistics.WORSE


@pytest.mark.parametrize("comparisons", [1, 5])
def test_what_would_have_been_decided_is_the_strictest_bound_and_the_powers_quantile(comparisons):
    """Differences 1, 2, 3, 4: standard error √(5/3)/2, three degrees of freedom."""
    test = statistics.above([1, 2, 3, 4], 0)
    quantiles = scipy_stats.t.ppf([1 - 0.025 / comparisons, 0.8], 3)
    expected = quantiles.sum() * math.sqrt(5 / 3) / 2
    assert statistics.detectable(test, comparisons) == pytest.approx(expected)
    assert math.isnan(statistics.detectable(statistics.above([1], 0), comparisons))


def test_where_nothing_differs_nothing_is_known_of_the_variance():
    for found in (
        statistics.paired([3.0, 4.0, 5.0], [3.0, 4.0, 5.0]),
        statistics.crossed(np.zeros((4, 9))),
    ):
        assert found.mean == 0 and np.isnan([found.low, found.high]).all()
        assert found.verdict == statistics.INCONCLUSIVE
    same = functools.partial(statistics.paired, [3.0, 4.0, 5.0], [3.0, 4.0, 5.0])
    assert statistics.together({"a": same}, margin=1.0)["a"].verdict == statistics.INCONCLUSIVE
