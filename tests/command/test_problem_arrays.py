"""Arrays as problems: `split` wins, a teacher's outputs go along, and what is refused."""

import numpy as np
import pytest
from refusals import refused
from scipy import special

from kd_jax.command import problem

random = np.random.default_rng(7)
INPUTS = random.normal(size=(40, 3)).astype(np.float32)
LABELS = np.repeat([0, 1, 2, 3], 10)
LOGITS = random.normal(size=(40, 4)).astype(np.float32)
SPLIT = np.array(["train", "test"] * 18 + ["validation"] * 4)


def test_the_arrays_own_split_wins(settings, arrays):
    path = arrays(inputs=INPUTS, labels=LABELS, split=SPLIT, teacher_logits=LOGITS)
    found = problem.read(settings(data=path))
    for name, part in found.parts.items():
        rows = np.flatnonzero(SPLIT == name)
        assert part.rows.tolist() == rows.tolist()
        np.testing.assert_array_equal(part.inputs, INPUTS[rows])
        np.testing.assert_array_equal(part.given, LOGITS[rows])
        assert part.raw is part.inputs
    assert found.classes == ["0", "1", "2", "3"] and found.mean is None
    assert found.preprocessing == {"kind": "arrays"}
    assert "validation has no rows of the classes 0, 1, 2" in found.notes


def test_parts_are_drawn_where_there_is_no_split(settings, arrays):
    found = problem.read(settings(data=arrays(inputs=INPUTS, labels=LABELS)))
    assert [np.bincount(part.labels).tolist() for part in found.parts.values()] == [
        [7] * 4, [1] * 4, [2] * 4,
    ]  # fmt: skip
    p = special.softmax(LOGITS, -1)
    bare = problem.read(settings(data=arrays(inputs=INPUTS, teacher_probabilities=p)))
    assert bare.classes == [] and bare.train.labels is None
    np.testing.assert_allclose(special.softmax(bare.train.given, -1), p[bare.train.rows], atol=1e-6)


def test_rows_that_no_fraction_asks_for_are_left_out_and_counted(settings, arrays):
    found = problem.read(settings(data=arrays(inputs=INPUTS, labels=LABELS), split=(0.5, 0.1, 0.2)))
    assert [np.bincount(part.labels).tolist() for part in found.parts.values()] == [
        [5] * 4, [1] * 4, [2] * 4,
    ]  # fmt: skip
    assert "8 of 40 rows are left out, as --split=0.5,0.1,0.2 says" in found.notes
    assert found.unused == 8


def test_a_split_without_validation_shares_its_training_rows(settings, arrays):
    split = np.array(["train", "train", "train", "test"] * 10)
    found = problem.read(settings(data=arrays(inputs=INPUTS, split=split)))
    # 30 rows by 7 to 1: 26.25 and 3.75
    assert [len(part.rows) for part in found.parts.values()] == [26, 4, 10]


def test_labels_of_another_file_are_matched_by_name(settings, arrays):
    data = arrays("data.npz", inputs=INPUTS, labels=np.array(list("abcd"))[LABELS])
    test = arrays("test.npz", inputs=INPUTS[:4], labels=np.array(["d", "b", "d", "b"]))
    found = problem.read(settings(data=data, test_data=test))
    assert found.test.labels.tolist() == [3, 1, 3, 1]


def test_bytes_are_standardized_by_the_training_rows(settings, arrays):
    values = random.integers(256, size=(40, 5), dtype=np.uint8)
    found = problem.read(settings(data=arrays(inputs=values, labels=LABELS)))
    train = values[found.train.rows].astype(float)
    np.testing.assert_allclose(found.mean, [train.mean()], rtol=1e-6)
    np.testing.assert_allclose(found.scale, [1 / train.std()], rtol=1e-5)
    assert found.train.inputs.dtype == np.uint8


@pytest.mark.parametrize(
    "given, other, match",
    [
        ({"inputs": np.where(INPUTS == INPUTS[5, 1], np.nan, INPUTS)}, {}, "infinity in row 5"),
        ({"inputs": INPUTS[:1]}, {}, "leaves no row of 1 for validation"),
        ({"inputs": INPUTS, "labels": LABELS * 0}, {}, "all labels are 0: expected two"),
        ({"inputs": INPUTS, "label": LABELS}, {}, "did you mean labels"),
        (
            {"inputs": INPUTS, "labels": LABELS, "split": np.array(["train"] * 30 + ["test"] * 10)},
            {}, "test has rows of the classes 3, and train has none",
        ),
        ({"inputs": INPUTS}, {"inputs": INPUTS[:, :2]}, r"float32 \[2\] and .* float32 \[3\]"),
        ({"inputs": INPUTS, "labels": LABELS}, {"inputs": INPUTS}, "has labels and .* has none"),
        (
            {"inputs": INPUTS, "labels": LABELS}, {"inputs": INPUTS[:2], "labels": [0, 5]},
            "label '5' of row 2 is no class of",
        ),
    ],
)  # fmt: skip
def test_bad_arrays_are_one_line(settings, arrays, given, other, match):
    options = {"test_data": arrays("other.npz", **other)} if other else {}
    refused(match, problem.read, settings(data=arrays(**given), **options))
