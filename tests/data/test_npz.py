"""A .npz of one's own: arrays come as they were stored, and every fault is refused in one line."""

import zipfile

import fuzzing
import numpy as np
import pytest

from kd_jax.data import npz
from kd_jax.errors import InputError

RANDOM = np.random.default_rng(5)
INPUTS = RANDOM.normal(size=(6, 2, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])
LOGITS = RANDOM.normal(size=(6, 3)).astype(np.float32)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
SPLIT = np.array(["train"] * 3 + ["validation", "test", "test"])


def read(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return npz.read(folder / "a.npz")


def refused(match, folder, **arrays):
    with pytest.raises(InputError, match=match) as error:
        read(folder, **arrays)
    text = str(error.value)
    assert "\n" not in text and text.startswith(f"{folder / 'a.npz'}") and len(text) < 400


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_as_they_were_stored(tmp_path, save):
    save(tmp_path / "a.npz", inputs=INPUTS, labels=LABELS, teacher_logits=LOGITS, split=SPLIT)
    found = npz.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.inputs, INPUTS)
    np.testing.assert_array_equal(found.labels, LABELS)
    np.testing.assert_array_equal(found.teacher_logits, LOGITS)
    np.testing.assert_array_equal(found.split, SPLIT)
    assert found.classes == ["0", "1", "2"] and found.teacher_probabilities is None
    assert found.labels.dtype == np.int32 and found.teacher_logits.dtype == np.float32


def test_inputs_alone_are_enough(tmp_path):
    found = read(tmp_path, inputs=np.arange(6, dtype=np.uint8))
    assert found.inputs.dtype == np.uint8 and found[1:] == (None,) * 5


@pytest.mark.parametrize("kind", ["float16", "float64", ">f4"])
def test_floats_become_float32(tmp_path, kind):
    found = read(tmp_path, inputs=INPUTS.astype(kind), teacher_probabilities=PROBABILITIES)
    assert found.inputs.dtype == found.teacher_probabilities.dtype == np.float32
    np.testing.assert_array_equal(found.inputs, INPUTS.astype(kind).astype(np.float32))


@pytest.mark.parametrize(
    "labels, classes, positions",
    [
        (np.array(["c", "b", "c", "aa", "b", "c"]), ["aa", "b", "c"], [2, 1, 2, 0, 1, 2]),
        (np.array([b"a", b"\xc3\xa9"] * 3), ["a", "é"], [0, 1] * 3),
        (np.array([1.0, 0, 1, 1, 0, 0]), ["0", "1"], [1, 0, 1, 1, 0, 0]),
        (np.array([True, False] * 3), ["0", "1"], [1, 0] * 3),
        (np.array([-1, 1] * 3), ["-1", "1"], [0, 1] * 3),
        (np.array([2, 10, 9, 9, 10, 2]), ["10", "2", "9"], [1, 0, 2, 2, 0, 1]),
        (np.arange(6, dtype=np.uint8)[::-1], [*"012345"], [5, 4, 3, 2, 1, 0]),
    ],
)  # fmt: skip
def test_labels_are_positions_in_the_classes(tmp_path, labels, classes, positions):
    found = read(tmp_path, inputs=INPUTS, labels=labels)
    assert found.classes == classes and found.labels.tolist() == positions


def test_more_than_ten_labels_from_0_on_keep_their_order(tmp_path):
    found = read(tmp_path, inputs=np.zeros((12, 1)), labels=np.arange(12))
    assert found.classes == [str(n) for n in range(12)] and found.labels.tolist() == [*range(12)]


def test_a_teacher_s_columns_are_the_classes(tmp_path):
    found = read(tmp_path, inputs=INPUTS, labels=LABELS // 2, teacher_logits=LOGITS)
    assert found.classes == ["0", "1", "2"] and found.labels.tolist() == [0, 0, 1, 0, 0, 1]
    found = read(tmp_path, inputs=INPUTS, labels=LABELS.astype(str), teacher_logits=LOGITS)
    assert found.labels.tolist() == LABELS.tolist()
    refused(
        "labels are from 0 to 4 and the teacher has 3 columns: expected .* from 0 on",
        tmp_path, inputs=INPUTS, labels=LABELS * 2, teacher_logits=LOGITS,
    )  # fmt: skip
    refused(
        "labels are 2 different texts and the teacher has 3 columns",
        tmp_path, inputs=INPUTS, labels=np.array(["a", "b"] * 3), teacher_logits=LOGITS,
    )  # fmt: skip


def test_a_logit_may_be_minus_infinity(tmp_path):
    logits = changed(LOGITS, (1, 2), -np.inf)
    found = read(tmp_path, inputs=INPUTS, teacher_logits=logits)
    np.testing.assert_array_equal(found.teacher_logits, logits)


@pytest.mark.parametrize(
    "arrays, match",
    [
        ({"labels": LABELS}, "holds labels and no inputs: add them"),
        ({}, "holds nothing and no inputs"),
        ({"inputs": INPUTS, "label": LABELS}, "holds label: expected only .* did you mean labels"),
        ({"inputs": INPUTS, "zzz": LABELS}, "holds zzz: expected only inputs, .*leave it out"),
        ({"inputs": INPUTS[:0]}, r"inputs has the shape \(0, 2, 3\), expected .* one row"),
        ({"inputs": np.float32(1)}, r"inputs has the shape \(\), expected"),
        ({"inputs": INPUTS, "labels": LABELS[:5]}, "labels has 5 rows and inputs 6: expected one"),
        ({"inputs": INPUTS, "split": np.array("train")}, "split has no rows and inputs 6"),
        ({"inputs": INPUTS.astype(object)}, "inputs holds Python objects.*make it an array of one"),
        ({"inputs": INPUTS.astype(int)}, "inputs are int64, expected uint8 or floats: convert"),
        ({"inputs": INPUTS.astype(str)}, "inputs are <U32, expected uint8 or floats"),
        ({"inputs": changed(INPUTS, (4, 1, 1), np.nan)}, "inputs has NaN or infinity in row 4"),
        ({"inputs": changed(INPUTS, (5, 0, 0), -np.inf)}, "inputs has NaN or infinity in row 5"),
        ({"inputs": changed(INPUTS.astype(float), 2, 1e39)}, "NaN or infinity in row 2.*3.4e38"),
    ],
)
def test_faults_of_names_and_inputs(tmp_path, arrays, match):
    refused(match, tmp_path, **arrays)


@pytest.mark.parametrize(
    "arrays, match",
    [
        ({"labels": np.eye(6)}, r"labels are float64 of shape \(6, 6\): .*labels.argmax"),
        ({"labels": LABELS + 0.5}, "labels has 0.5 in row 0: expected whole numbers"),
        ({"labels": changed(LABELS * 1.0, 3, np.nan)}, "labels has nan in row 3: expected whole"),
        ({"labels": changed(LABELS, 2, 2**60)}, "labels has 1152921504606846976 in row 2"),
        ({"labels": LABELS * 0}, "all labels are 0: expected two classes or more"),
        ({"labels": np.array([b"\xff", b"a"] * 3)}, "labels is not in UTF-8"),
        ({"labels": LABELS * 1j}, "labels are complex128 of shape"),
        ({"split": LABELS}, r"split is int64 of shape \(6,\): expected texts \[N\]"),
        (
            {"split": changed(SPLIT, 4, "valid")},
            "split is 'valid' in row 4: expected one of",
        ),
        ({"split": changed(SPLIT, slice(3), "test")}, "split has no row of train"),
        (
            {"teacher_logits": LOGITS, "teacher_probabilities": PROBABILITIES},
            "holds teacher_logits and teacher_probabilities: expected one",
        ),
        ({"teacher_logits": LOGITS[:, :1]}, r"shape \(6, 1\): expected floats \[N, C\]"),
        ({"teacher_logits": LABELS}, r"teacher_logits is int64 of shape \(6,\): expected floats"),
        ({"teacher_logits": changed(LOGITS, (3, 1), np.inf)}, "NaN or infinity in row 3"),
        ({"teacher_logits": changed(LOGITS, 2, -np.inf)}, "−inf in all of row 2"),
        ({"teacher_probabilities": LOGITS}, "no distribution in row 0: .*call them teacher_logits"),
        ({"teacher_probabilities": changed(PROBABILITIES, (5, 0), 2)}, "no distribution in row 5"),
        ({"teacher_probabilities": changed(PROBABILITIES, 1, np.nan)}, "NaN or infinity in row 1"),
    ],
)
def test_faults_of_what_stands_beside_the_inputs(tmp_path, arrays, match):
    refused(match, tmp_path, inputs=INPUTS, **arrays)


def test_a_fault_late_in_many_rows(tmp_path):
    inputs = np.zeros((10_000, 2), np.float32)
    refused("in row 9001:", tmp_path, inputs=changed(inputs, (9001, 1), np.inf))


def test_files_that_are_no_npz(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(InputError, match="does not exist: check the path"):
        npz.read(path)
    np.savez(path, inputs=INPUTS)
    content = path.read_bytes()
    for wrong in (b"", b"text", content[:-30]):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match="is no .npz file, or truncated: write it with"):
            npz.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inputs", b"no array")
    with pytest.raises(InputError, match="inputs is no array: write it with np.savez"):
        npz.read(path)


@fuzzing.many
@fuzzing.hypothesis.given(data=fuzzing.st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    np.savez(path, inputs=INPUTS, labels=LABELS, teacher_logits=LOGITS, split=SPLIT)
    path.write_bytes(data.draw(fuzzing.damaged(path.read_bytes())))
    fuzzing.read_or_refused(npz.read, path)
