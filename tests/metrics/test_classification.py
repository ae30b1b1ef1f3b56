"""Diagnostics beside accuracy, against SciPy, scikit-learn, float64 NumPy and hand counts."""

import warnings

import jax
import ml_dtypes
import numpy as np
import pytest
from scipy import special, stats

from kd_jax.errors import InputError
from kd_jax.metrics import classification

RANDOM = np.random.default_rng(7)
LOGITS = RANDOM.normal(size=(2, 3, 50, 4)).astype(np.float32)
TEACHER = RANDOM.normal(size=(2, 1, 50, 4)).astype(np.float32)
LABELS = RANDOM.integers(4, size=50)


def test_brier_score_is_scikit_learns():
    from sklearn.metrics import brier_score_loss  # for this test alone: it takes two seconds

    found = classification.measure(LOGITS, LABELS)["brier"]
    probabilities = special.softmax(LOGITS[1, 2].astype(np.float64), -1)
    expected = brier_score_loss(LABELS, probabilities, labels=range(4))
    assert float(found[1, 2]) == pytest.approx(expected, rel=1e-5)
    # certain and wrong: (0 − 1)² + (1 − 0)² = 2; certain and right: 0
    sure = np.float32([[50, 0], [50, 0]])
    assert float(classification.measure(sure, np.array([1, 1]))["brier"]) == pytest.approx(2)
    assert float(classification.measure(sure, np.array([0, 0]))["brier"]) == pytest.approx(0)


def test_both_divergences_against_scipy():
    found = classification.measure(LOGITS, LABELS, TEACHER)
    q = special.softmax(LOGITS[0, 1].astype(np.float64), -1)
    p = special.softmax(TEACHER[0, 0].astype(np.float64), -1)
    assert float(found["kl"][0, 1]) == pytest.approx(special.rel_entr(p, q).sum(-1).mean(), 1e-5)
    expected = special.rel_entr(q, p).sum(-1).mean()
    assert float(found["reverse_kl"][0, 1]) == pytest.approx(expected, rel=1e-5)


def test_a_class_that_the_teacher_excludes_adds_nothing():
    teacher = TEACHER.copy()
    teacher[..., 0, 0] = teacher[..., 1, :3] = -np.inf
    found = classification.measure(LOGITS, LABELS, teacher)
    q = special.softmax(LOGITS[0, 1].astype(np.float64), -1)
    p = special.softmax(teacher[0, 0].astype(np.float64), -1)
    assert float(found["kl"][0, 1]) == pytest.approx(special.rel_entr(p, q).sum(-1).mean(), 1e-5)
    reverse = np.where(p > 0, special.rel_entr(q, p), 0).sum(-1).mean()
    assert float(found["reverse_kl"][0, 1]) == pytest.approx(reverse, rel=1e-5)
    assert all(np.isfinite(values).all() for values in found.values())


def test_what_is_no_number_is_no_class():
    logits, labels = LOGITS[0, 0].copy(), np.zeros(50, int)
    logits[:10] = np.nan  # all of a row's
    logits[10, 2] = np.nan
    teacher = np.where(np.arange(50)[:, None] < 5, np.nan, logits)
    plain = LOGITS[0, 0].argmax(-1)
    found = classification.measure(logits, labels, teacher)
    assert int(found["errors"]) == 11 + int((plain[11:] != 0).sum())
    assert float(found["agreement"]) == pytest.approx(39 / 50)
    assert all(
        np.isnan(found[name])
        for name in ("nll", "kl", "reverse_kl", "brier", "ece", "rank_correlation")
    )
    by_class = classification.errors_by_class(logits, labels)
    assert by_class.tolist() == [int(found["errors"]), 0, 0, 0]


@pytest.mark.parametrize("label", [-1, 4, -100])
def test_a_label_that_is_no_class_is_never_right(label):
    logits = LOGITS[0, 0].copy()
    logits[0], logits[1] = np.nan, -np.inf  # of both nothing is the most probable class
    labels = logits.argmax(-1)
    labels[:3] = label
    found = classification.measure(logits, labels, LOGITS[0, 0])
    assert int(found["errors"]) == 3 and float(found["accuracy"]) == np.float32(47 / 50)
    finite = logits[2:], labels[2:], LOGITS[0, 0, 2:]
    alone = classification.measure(*finite)
    assert all(np.isnan(alone[name]) for name in ("nll", "brier", "rank_correlation"))
    assert int(classification.calibration(*finite[:2])["accuracy"].sum() > 0)
    assert classification.errors_by_class(*finite[:2]).sum() == 0  # it is an example of no class


def test_a_row_that_excludes_every_class_has_none():
    logits = np.float32([[-np.inf] * 3, [0, 1, 0]])
    assert classification.most_probable(logits).tolist() == [-1, 1]
    assert classification.most_probable(np.float32([[-np.inf, np.inf]])).tolist() == [1]
    assert int(classification.measure(logits, np.array([0, 1]))["errors"]) == 1


@pytest.mark.parametrize("count", [3, 41, 47])
def test_accuracies_of_none_and_all_are_exactly_0_and_1(count):
    logits = np.zeros((count, 2), np.float32)
    logits[:, 0] = 1
    for label, accuracy in [(0, 1.0), (1, 0.0)]:
        found = classification.measure(logits, np.full(count, label))
        assert float(found["accuracy"]) == accuracy


@pytest.mark.parametrize(
    "labels", [LABELS[:, None], LABELS[None], LABELS[:49], LABELS[:1], LABELS.astype(np.float32)]
)
def test_labels_of_another_shape_or_kind_are_refused(labels):
    for measured in (
        classification.measure, classification.calibration, classification.errors_by_class,
        lambda z, y: classification.wrong_rank_correlation(z, z, y),
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"labels are .* expected whole numbers \[50\]"):
            measured(LOGITS, labels)


def test_a_teacher_of_other_rows_or_classes_is_refused():
    for teacher in (TEACHER[..., :1], TEACHER[..., :1, :]):
        with pytest.raises(InputError, match="expected as many rows and classes"):
            classification.measure(LOGITS, LABELS, teacher)


@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_measured_in_single(half):
    # a sum of 1,000 in halves of eight bits would stay at 256
    logits = np.tile(LOGITS[0, 0], (20, 1)).astype(half)
    labels, teacher = np.tile(LABELS, 20), np.tile(TEACHER[0, 0], (20, 1)).astype(half)
    found = classification.measure(logits, labels, teacher)
    z, v = (np.asarray(x, np.float64) for x in (logits, teacher))
    log_q, log_p = special.log_softmax(z, -1), special.log_softmax(v, -1)
    expected = {
        "errors": (z.argmax(-1) != labels).sum(),
        "nll": -log_q[np.arange(1000), labels].mean(),
        "brier": ((np.exp(log_q) - np.eye(4)[labels]) ** 2).sum(-1).mean(),
        "kl": special.rel_entr(np.exp(log_p), np.exp(log_q)).sum(-1).mean(),
        "reverse_kl": special.rel_entr(np.exp(log_q), np.exp(log_p)).sum(-1).mean(),
    }
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-5), name
    counts = classification.calibration(logits, labels)["count"]
    bins = np.ceil(np.exp(log_q).max(-1) * 15).astype(int) - 1
    np.testing.assert_array_equal(counts, np.bincount(bins, minlength=15))


def test_calibration_by_hand():
    # confidences .9 .9 .6 .6, right: yes no yes yes; bins of a tenth: ((.8, .9], (.5, .6])
    confidence = np.float32([0.9, 0.9, 0.6, 0.6]) - 1e-4
    logits = np.stack([np.log(confidence), np.log(1 - confidence)], -1)
    found = classification.calibration(logits, np.array([0, 1, 0, 0]), bins=10)
    found = {name: np.asarray(values) for name, values in found.items()}
    assert found["count"].tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 2, 0]
    assert found["accuracy"][[5, 8]].tolist() == [1, 0.5]
    np.testing.assert_allclose(found["confidence"][[5, 8]], [0.5999, 0.8999], rtol=1e-5)
    # with the 15 bins of measure: 2/4·|1 − .5999| + 2/4·|.5 − .8999| = .4
    measured = classification.measure(logits, np.array([0, 1, 0, 0]))
    assert float(measured["ece"]) == pytest.approx(0.4, abs=1e-4)


def test_calibration_counts_every_example_once():
    found = classification.calibration(LOGITS, LABELS)
    assert found["count"].shape == (2, 3, 15)
    np.testing.assert_array_equal(found["count"].sum(-1), 50)
    total = (found["accuracy"] * found["count"]).sum(-1)
    np.testing.assert_allclose(total, (LOGITS.argmax(-1) == LABELS).sum(-1))


def test_rank_correlation_of_the_wrong_classes_is_spearmans():
    student, teacher = LOGITS[1, 0].copy(), TEACHER[1, 0]
    student[:5, :2] = 0.25  # ties share their mean rank
    found = jax.jit(classification.wrong_rank_correlation)(student, teacher, LABELS)
    wrong = np.arange(4) != LABELS[:, None]
    pairs = zip(student[wrong].reshape(-1, 3), teacher[wrong].reshape(-1, 3))
    expected = np.mean([stats.spearmanr(*pair).statistic for pair in pairs])
    assert float(found) == pytest.approx(expected, rel=1e-5)
    assert float(classification.wrong_rank_correlation(teacher, teacher, LABELS)) == pytest.approx(
        1
    )
    assert float(classification.wrong_rank_correlation(-teacher, teacher, LABELS)) == pytest.approx(
        -1
    )
    assert float(classification.wrong_rank_correlation(0 * teacher, teacher, LABELS)) == 0


def test_of_two_classes_one_is_wrong_which_has_no_order():
    two, labels = (x[1, 0, :, :2] for x in (LOGITS, TEACHER)), LABELS % 2
    student, teacher = two
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scipy, that one number has no correlation
        expected = stats.spearmanr(student[0, :1], teacher[0, :1]).statistic
    assert np.isnan(expected)
    assert np.isnan(classification.wrong_rank_correlation(student, teacher, labels))
    found = classification.measure(student, labels, teacher)
    assert "rank_correlation" not in found and "agreement" in found
    three = classification.measure(LOGITS[1, 0, :, :3], labels, TEACHER[1, 0, :, :3])
    assert np.isfinite(three["rank_correlation"])
