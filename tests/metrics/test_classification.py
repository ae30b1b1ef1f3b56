"""Diagnostics beside accuracy, against SciPy, scikit-learn, float64 NumPy and hand counts."""

import jax
import numpy as np
import pytest
from scipy import special, stats

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
    assert all(np.isnan(found[name]) for name in ("nll", "kl", "reverse_kl", "brier", "ece"))
    by_class = classification.errors_by_class(logits, labels)
    assert by_class.tolist() == [int(found["errors"]), 0, 0, 0]


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
