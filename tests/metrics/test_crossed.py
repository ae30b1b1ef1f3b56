"""Intervals for other students, teachers and test examples hold the truth as often as they say."""

import math

import numpy as np
import pytest

from kd_jax.metrics import statistics

DRAWS, EXAMPLES = 2000, 120


def drawn(random, teachers, students, of_teacher, of_student, of_example, rest):
    """Differences [D, units, N] whose mean is 0: by students, or teachers' means of students."""

    def normal(deviation, *shape):
        return deviation * random.normal(size=(DRAWS, *shape))

    found = normal(of_teacher, teachers, 1, 1) + normal(of_student, teachers, students, 1)
    found = found + normal(of_example, 1, 1, EXAMPLES)
    found = found + normal(rest, teachers, students, EXAMPLES)
    return found.mean(2) if teachers > 1 else found[:, 0]


@pytest.mark.parametrize(
    "teachers, students, deviations",
    [
        (1, 5, (0, 0.01, 0.2, 0.4)), (1, 10, (0, 0.03, 0.2, 0.4)), (1, 20, (0, 0.1, 0.1, 0.4)),
        (1, 5, (0, 0.2, 0, 0.4)), (1, 10, (0, 0, 0.3, 0.3)),
        (3, 5, (0.03, 0.01, 0.2, 0.4)), (5, 4, (0.03, 0.01, 0.2, 0.4)),
        (3, 10, (0.1, 0.02, 0.2, 0.4)), (5, 10, (0.005, 0.005, 0.3, 0.4)),
    ],
)  # fmt: skip
def test_the_interval_holds_the_truth_in_93_to_97_of_100(teachers, students, deviations):
    differences = drawn(np.random.default_rng(5), teachers, students, *deviations)
    intervals = [statistics.crossed(each) for each in differences]
    held = np.mean([low <= 0 <= high for _, low, high, _ in intervals])
    assert 0.93 <= held <= 0.97, held


def test_students_alone_are_too_sure_of_other_examples():
    """The same differences by Student's t of the students: what this is for."""
    differences = drawn(np.random.default_rng(5), 1, 10, 0, 0, 0.3, 0.3)
    intervals = [statistics.paired(each.mean(1), np.zeros(10)) for each in differences]
    assert np.mean([low <= 0 <= high for _, low, high, _ in intervals]) < 0.8


def test_examples_that_are_alike_leave_students_t():
    # no example or rest: MS_N = MS_UN = 0, so that V = MS_U/(U N) = var(d)/U
    values = np.array([-0.2, 0.1, 0.4, 0.1, 0.3])
    found = statistics.crossed(np.repeat(values[:, None], 7, axis=1), lower_is_better=False)
    expected = statistics.paired(values, np.zeros(5), lower_is_better=False)
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-9)


def test_mean_squares_by_hand():
    # d = [[0, 2], [2, 8]]: mean 3; students' means 1 and 5, examples' 1 and 5.
    # MS_U = 2(4 + 4)/1 = 16, MS_N = 16; rest: 0 − 1 − 1 + 3 = 1, −1, −1, 1: MS_UN = 4. e = 12.
    # V = 28/4 = 7. 1/ν = (256 + 256 + 16)/28² = 528/784, ν = 1.4848.
    from scipy import stats

    narrow = stats.t.ppf(0.975, 784 / 528) * math.sqrt(7)
    wide = stats.t.ppf(0.975, 1) * math.sqrt(28 / 4)
    found = statistics.crossed([[0, 2], [2, 8]])
    np.testing.assert_allclose(found.half_width, (2 * narrow + wide) / 3, rtol=1e-9)
    assert found.mean == 3 and found.verdict == statistics.NO_VERDICT


def test_verdicts_and_what_has_no_interval():
    sure = np.full((3, 50), -1.0)
    assert statistics.crossed(sure) == (-1, -1, -1, statistics.BEATS)
    assert statistics.crossed(sure, lower_is_better=False).verdict == statistics.WORSE
    for few in (np.ones((1, 50)), np.ones((3, 1))):
        found = statistics.crossed(few)
        assert math.isnan(found.low) and found.verdict == statistics.NO_VERDICT


def test_students_who_differ_on_an_example_each_have_no_endless_interval():
    """Each of three students is right on an example that its baseline misses, and the reverse.

    Their means are all 0, so MS_U = 0. Two examples of N with means ±d/3 of one student: MS_N =
    3 · 2(d/3)²/(N − 1), and the rest 2d² − 2d²/3 over 2(N − 1): the same, so that V = 0, of which
    an interval of no width would say that nobody else differs either.
    """
    for count in (10, 199, 1000, 7193):
        differences = np.zeros((3, count))
        differences[0, :2] = 100, -100
        mean, low, high, _ = statistics.crossed(differences)
        assert mean == 0 and np.isnan([low, high]).all()


def test_a_variance_has_a_degree_of_freedom():
    """Where e is small beside MS_N, Satterthwaite's ν would be far below 1 and the interval huge.

    Rows d + r and d − r of examples d, with r apart from d and both of mean 0: MS_U = 0, and
    MS_N = 2 Σd²/(N − 1), MS_UN = 2 Σr²/(N − 1).
    """
    from scipy import stats

    d, r = np.zeros(101), np.zeros(101)
    d[:2], r[2:4] = (1.01, -1.01), (1.0, -1.0)
    found = statistics.crossed([d + r, d - r])
    e = 4 * (1.01**2 - 1.0) / 100
    wide = stats.t.ppf(0.975, 100) * np.sqrt(e / 202)
    narrow = stats.t.ppf(0.975, 1) * np.sqrt(e / 202)
    assert found.half_width == pytest.approx((2 * narrow + wide) / 3, rel=1e-9)
