"""Intervals of ratios against their definition, one case by hand, and their coverage."""

import numpy as np
import pytest
from scipy import stats

from kd_jax.errors import InputError
from kd_jax.metrics import ratios, statistics


def test_one_ratio_by_hand():
    # a/b = 2/4; v_aa = t² · 2/2 = t², v_bb = v_ab = 0 with b = 4 always: (2 ± t)/4, t = 12.706
    t = float(stats.t.ppf(0.975, 1))
    found = ratios.fieller([1.0, 3.0], [4.0, 4.0])
    assert found == pytest.approx((0.5, (2 - t) / 4, (2 + t) / 4))


def test_the_ends_are_where_students_test_just_rejects():
    random = np.random.default_rng(5)
    b = 3 + random.normal(size=6)
    a = 1.5 + 0.4 * b + 0.3 * random.normal(size=6)
    found = ratios.fieller(a, b)
    for end in (found.low, found.high):
        assert stats.ttest_1samp(a - end * b, 0).pvalue == pytest.approx(0.05)
    assert found.low < a.mean() / b.mean() < found.high


def test_what_has_no_interval():
    assert np.isnan(ratios.fieller([1.0], [2.0])[1:]).all()
    assert np.isnan(ratios.fieller([1.0, 2.0, 3.0], [-1.0, 2.0, 0.5])[1:]).all()  # b may be zero
    assert np.isnan(ratios.fieller([1.0, 2.0], [0.0, 0.0])).all()
    for wrong in ([], [1.0, 2.0, 3.0]):
        with pytest.raises(InputError, match="one of each for every pair"):
            ratios.fieller(wrong, [1.0, 2.0])


@pytest.mark.parametrize("count", [3, 5])
def test_it_covers_the_true_ratio(count):
    random = np.random.default_rng(11)
    b = 4 + 0.5 * random.normal(size=(4000, count))
    a = 0.5 * b + random.normal(size=b.shape) * 0.5  # true ratio: a half
    inside = [
        found.low <= 0.5 <= found.high
        for found in map(ratios.fieller, a, b)
        if not np.isnan(found.low)
    ]
    assert len(inside) > 3900 and 0.935 <= np.mean(inside) <= 0.965


def test_of_examples_that_are_alike_it_is_fieller_s():
    a, b = np.array([1.0, 2.5, 1.5, 2.2]), np.array([4.0, 5.0, 3.5, 4.2])
    each = [np.repeat(x[:, None], 9, axis=1) for x in (a, b)]
    np.testing.assert_allclose(ratios.crossed(*each), ratios.fieller(a, b), atol=1e-7)


def drawn(random, draws, units, examples=120):
    """Gains and leads [D, U, N] whose means are 2 and 4, of units and examples that differ."""

    def normal(deviation, *shape):
        return deviation * random.normal(size=(draws, *shape))

    of_example = normal(3.0, 1, examples)  # the same examples are easy for all
    b = 4 + normal(0.4, units, 1) + of_example + normal(4.0, units, examples)
    return 0.5 * b + normal(0.3, units, 1) + normal(2.0, 1, examples), b


def test_the_ends_are_where_the_crossed_test_just_rejects():
    ((a,), (b,)) = drawn(np.random.default_rng(3), 1, 4)
    found = ratios.crossed(a, b)
    assert found.value == pytest.approx(a.mean() / b.mean())
    for end in (found.low, found.high):
        at_end = statistics.crossed(a - end * b)
        assert min(abs(at_end.low), abs(at_end.high)) < 1e-6
    for inside in np.linspace(found.low + 1e-6, found.high - 1e-6, 50):
        at = statistics.crossed(a - inside * b)
        assert at.low <= 0 <= at.high


@pytest.mark.parametrize("units", [3, 5, 10])
def test_it_covers_the_true_ratio_for_other_students_and_examples(units):
    pairs = zip(*drawn(np.random.default_rng(7), 1000, units))
    found = [ratios.crossed(a, b) for a, b in pairs]
    known = [x for x in found if not np.isnan(x.low)]
    assert len(known) > 950
    assert 0.93 <= np.mean([x.low <= 0.5 <= x.high for x in known]) <= 0.97


def test_students_alone_are_too_sure_of_a_ratio():
    """The same draws by Fieller's interval of the units' means: what this is for."""
    pairs = zip(*drawn(np.random.default_rng(7), 1000, 10))
    found = [ratios.fieller(a.mean(1), b.mean(1)) for a, b in pairs]
    assert np.mean([x.low <= 0.5 <= x.high for x in found]) < 0.85


def test_what_has_no_interval_for_other_examples():
    a, b = np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert np.isnan(ratios.crossed(a, b)).all()  # a lead of zero
    one = ratios.crossed(a[:1], a[:1] * 2)
    assert one.value == 0.5 and np.isnan(one[1:]).all()
    with pytest.raises(InputError, match="expected the same"):
        ratios.crossed(a, b[:1])


def test_a_share_that_is_the_same_everywhere_has_an_interval_of_no_width():
    """A third of each lead: the difference is rounding alone, and no end is looked for."""
    b = 4 + np.random.default_rng(1).normal(size=(3, 40))
    np.testing.assert_allclose(ratios.crossed(b / 3, b), [1 / 3] * 3, atol=1e-6)


def test_the_whole_of_a_lead_is_kept_by_who_leads():
    b = 4 + np.random.default_rng(1).normal(size=(3, 40))
    np.testing.assert_allclose(ratios.crossed(b, b), (1, 1, 1), atol=1e-6)
