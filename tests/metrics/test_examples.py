"""Bits of right examples survive their text, which is short; the others are the errors."""

import numpy as np
import pytest

from kd_jax.metrics import classification, examples


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1000])
def test_bits_come_back(count):
    bits = np.random.default_rng(count).random((2, 3, count)) < 0.7
    texts = examples.packed(bits)
    assert texts.shape == (2, 3)
    for a in range(2):
        for b in range(3):
            assert (examples.unpacked(str(texts[a, b])) == bits[a, b]).all()


def test_right_are_those_that_are_no_errors():
    logits = np.array([[[2.0, 1, 0], [0, 1, 0], [0, np.nan, 0]], [[0, 1, 0], [0, 0, 1], [1, 1, 0]]])
    labels = np.array([0, 2, 0])
    texts = classification.right(logits, labels)
    found = np.array([examples.unpacked(str(text)) for text in texts])
    assert found.tolist() == [[True, False, False], [False, True, True]]  # the first of equals
    errors = classification.measure(logits.astype(np.float32), labels)["errors"]
    assert (1 - found).sum(1).tolist() == np.asarray(errors).tolist()


def test_records_of_examples_of_their_own_forget_which_were_right():
    records = [{"row": "a", "test_errors": 1, "test_right": "2:eA=="}, {"row": "b", "seed": 0}]
    assert examples.forgotten(records) == [{"row": "a", "test_errors": 1}, {"row": "b", "seed": 0}]
    assert records[0]["test_right"] == "2:eA=="


def test_10_000_examples_are_a_short_text():
    bits = np.random.default_rng(0).random(10_000) < 0.9
    assert len(str(examples.packed(bits[None])[0])) < 1100


def test_counts_of_groups_have_the_mean_of_their_examples():
    right = np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1]])  # groups of 3, 1 and 2 examples
    counts = np.array([[2, 1, 0], [2, 1, 2]])
    texts = examples.packed_counts(counts, np.array([3, 1, 2]))
    for text, row, of_groups in zip(texts, right, counts):
        found = examples.unpacked(str(text))
        assert found.tolist() == (of_groups * 3 / 6).tolist()
        assert found.mean() == row.mean()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8",
        "2/0:eJxjYGAAAAAEAAE=",
        "3/6:eJwDAAAAAAE=",
        "1/x:eJwDAAAAAAE=",
        "8:",
        "8:AAAA",
        "x:" + "eJwDAAAAAAE=",
        "8:é",
    ],
)
def test_another_text_is_a_fault_of_one_line(text):
    with pytest.raises(ValueError, match="does not say which examples are right"):
        examples.unpacked(text)
