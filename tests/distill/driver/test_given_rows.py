"""Parts taken from the training rows are stratified, disjoint and drawn by the seed."""

import numpy as np
import pytest

from kd_jax.data import Split
from kd_jax.distill.driver import given_rows
from kd_jax.errors import InputError

LABELS = np.repeat([0, 1, 2], [100, 60, 40])
INPUTS = np.arange(400, dtype=np.float32).reshape(200, 2)
TRAIN = Split(INPUTS, LABELS)
COUNTS = {"train": [70, 42, 28], "validation": [10, 6, 4], "test": [20, 12, 8]}


def test_of_every_class_a_tenth_is_validation_and_a_fifth_test():
    found = given_rows.parted(TRAIN, None, None, 3)
    for name, part in found.parts.items():
        assert np.bincount(part.split.labels).tolist() == COUNTS[name]
        np.testing.assert_array_equal(part.split.inputs, INPUTS[part.rows])
        np.testing.assert_array_equal(part.split.labels, LABELS[part.rows])
        assert part.given == "train"
    rows = np.concatenate([part.rows for part in found.parts.values()])
    np.testing.assert_array_equal(np.sort(rows), np.arange(200))
    assert (found.classes, found.labeled, found.sizes) == (3, True, {"train": 200})


def test_the_draw_follows_from_the_seed():
    drawn = [given_rows.parted(TRAIN, None, None, seed).parts["test"].rows for seed in (3, 3, 4)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_what_is_given_is_taken_whole():
    test = Split(INPUTS[:50], LABELS[:50])
    found = given_rows.parted(TRAIN, None, test, 3)
    np.testing.assert_array_equal(found.parts["test"].split.inputs, test.inputs)
    assert np.bincount(found.parts["validation"].split.labels).tolist() == [10, 6, 4]
    assert np.bincount(found.parts["train"].split.labels).tolist() == [90, 54, 36]
    assert [part.given for part in found.parts.values()] == ["train", "train", "test"]
    whole = given_rows.parted(TRAIN, test, test, 3)
    np.testing.assert_array_equal(whole.parts["train"].rows, np.arange(200))


def test_rows_without_labels_are_parted_too():
    found = given_rows.parted(Split(INPUTS, None), None, None, 3)
    sizes = {name: len(part.split.inputs) for name, part in found.parts.items()}
    assert sizes == {"train": 140, "validation": 20, "test": 40}
    assert (found.labeled, found.classes) == (False, 0)
    assert all(part.split.labels is None for part in found.parts.values())


def test_images_stay_bytes_and_numbers_become_float32():
    images = np.full((200, 2, 2, 1), 7, np.uint8)
    found = given_rows.parted(Split(images, LABELS), None, None, 0)
    assert found.parts["train"].split.inputs.dtype == np.uint8
    found = given_rows.parted(Split(INPUTS.astype(np.int64), LABELS), None, None, 0)
    assert found.parts["train"].split.inputs.dtype == np.float32
    with pytest.raises(
        InputError, match="not finite in 200 of 200 rows"
    ):  # as float32 has no 1e300
        given_rows.parted(Split(np.full((200, 2), 1e300), LABELS), None, None, 0)


def test_too_few_rows_are_one_line():
    few = Split(INPUTS[[0, 199]], LABELS[[0, 199]])
    with pytest.raises(InputError, match="validation has no rows: 2 training rows are too few"):
        given_rows.parted(few, None, None, 0)
