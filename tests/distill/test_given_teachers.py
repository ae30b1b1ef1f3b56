"""Teachers from outside are asked once per row; they give logits, or one line says why not."""

import numpy as np
import pytest
from scipy import special

from kd_jax.distill import given_teachers
from kd_jax.errors import InputError

INPUTS = np.random.default_rng(0).normal(size=(23, 4)).astype(np.float32)
KERNEL = np.random.default_rng(1).normal(size=(4, 3))
LOGITS = INPUTS @ KERNEL


def test_every_row_is_asked_about_once_and_in_order():
    asked = []

    def teacher(batch):
        asked.append(batch)
        return batch @ KERNEL

    found = given_teachers.ask("mine", teacher, INPUTS, batch_size=10)
    assert [len(batch) for batch in asked] == [10, 10, 3]
    np.testing.assert_array_equal(np.concatenate(asked), INPUTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, LOGITS, rtol=1e-5)


def test_probabilities_become_logits_of_the_same_distribution():
    p = special.softmax(LOGITS, -1)
    p[0] = [0, 1, 0]
    for known in (True, None):
        found = given_teachers.logits_of("mine", p, probabilities=known)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(special.softmax(found, -1), p, atol=1e-6)
    # of logits that are none, nothing is made
    assert given_teachers.logits_of("mine", LOGITS, probabilities=None) == pytest.approx(LOGITS)


def test_lists_whole_numbers_and_half_precision_are_numbers():
    given = [[1, 2], [3, 4]]
    for outputs in (given, np.array(given), np.array(given, np.float16)):
        found = given_teachers.logits_of("mine", outputs)
        assert found.dtype == np.float32 and found.tolist() == given


def test_bad_outputs_are_one_line():
    p, flawed = special.softmax(LOGITS, -1), LOGITS.copy()
    flawed[17, 1] = np.nan
    for outputs, more, said in [
        (p, {}, "every row is a distribution .* say that they are probabilities"),
        (100 * p, {}, "every row sums to 100, .*: divide them by 100"),
        (np.round(100 * p), {"probabilities": None}, "every row sums to 100"),
        (np.round(100 * p, 1), {}, "every row sums to 100"),
        (100 * p, {"probabilities": None}, "every row sums to 100"),
        (100 * p, {"probabilities": True}, "every row sums to 100"),
        (LOGITS, {"probabilities": True}, "row 0 has least entry .* logits are given as they are"),
        (LOGITS[:20], {"rows": 23}, r"gives \[20, 3\]: expected \[23, C\]"),
        (LOGITS, {"classes": 10}, r"gives \[23, 3\]: expected \[N, 10\]"),
        (LOGITS[:, 0], {}, r"gives \[23\]: expected \[N, C\]"),
        (LOGITS[:, :1], {}, "one class"),
        (flawed, {}, "row 17: expected finite numbers"),
        (np.where(np.isnan(flawed), np.inf, LOGITS), {}, "row 17: expected finite numbers"),
        (np.where(np.isnan(flawed).any(1, keepdims=True), -np.inf, LOGITS), {}, "for row 17: exp"),
        (np.where(np.isnan(flawed), -1e39, LOGITS), {}, "row 17: expected finite numbers below"),
        (np.where(np.isnan(flawed), 1e39, flawed), {}, "row 17: expected finite numbers below 3.4"),
        (np.array([["a", "b"]]), {}, "expected numbers"),
    ]:
        with pytest.raises(InputError, match=said):
            given_teachers.logits_of("mine", outputs, **more)


def test_a_class_that_a_teacher_excludes_has_probability_0():
    excluded = LOGITS.copy()
    excluded[17, 1] = excluded[3, :2] = -np.inf
    for outputs in (
        excluded,
        excluded.astype(np.float16),
        given_teachers.ask("m", lambda x: excluded, INPUTS),
    ):
        found = given_teachers.logits_of("mine", outputs)
        np.testing.assert_array_equal(found == -np.inf, excluded == -np.inf)
        assert found[5] == pytest.approx(excluded[5], rel=1e-3)


def test_a_teacher_that_fails_ends_before_the_second_batch():
    asked = []

    def wrong(batch):
        asked.append(batch)
        return LOGITS[:7]

    with pytest.raises(InputError, match=r"gives \[7, 3\]: expected \[5, C\]"):
        given_teachers.ask("mine", wrong, INPUTS, batch_size=5)
    assert len(asked) == 1

    def broken(batch):
        raise KeyError("weights")

    with pytest.raises(InputError, match=r"fails on inputs \[23, 4\]: KeyError: 'weights'"):
        given_teachers.ask("mine", broken, INPUTS)

    def late(batch):
        return np.where(np.arange(len(batch))[:, None] == 2, np.inf, batch @ KERNEL)

    with pytest.raises(InputError, match="for row 2: expected finite"):
        given_teachers.ask("mine", late, INPUTS, batch_size=5)
    with pytest.raises(InputError, match="no rows"):
        given_teachers.ask("mine", wrong, INPUTS[:0])


def test_an_error_of_somebodys_file_names_its_line(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def teach(rows):\n    return {}['weights']\n")
    names: dict = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    with pytest.raises(
        InputError, match=r"fails on inputs \[23, 3\]: KeyError: 'weights' .*line 2"
    ):
        given_teachers.answer("mine", names["teach"], LOGITS)
