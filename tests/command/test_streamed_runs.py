"""Rows that stay on disk train what rows in memory do; what cannot be streamed is one line."""

import jax
import numpy as np
import optax
import pytest
import tiny_runs
from refusals import refused

import kd_jax as kd
from kd_jax.command import problem
from kd_jax.data import Split, disk_rows, npz
from kd_jax.distill import students
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.storage import jsonl
from kd_jax.training import samplers

RANDOM = np.random.default_rng(8)
INPUTS = RANDOM.normal(size=(60, 2, 3)).astype(np.float32)
LABELS = (INPUTS[:, 0, 0] > 0).astype(np.int64)
LOGITS = RANDOM.normal(size=(60, 2)).astype(np.float32)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, labels=LABELS, inputs=INPUTS, teacher_logits=LOGITS)
    return path


def test_rows_are_read_as_they_are_indexed(file):
    rows = disk_rows.of_npz(file, "inputs")
    assert isinstance(rows.array, np.memmap) and rows.shape == (60, 2, 3) and len(rows) == 60
    np.testing.assert_array_equal(rows[:5], INPUTS[:5])
    some = rows.take(np.array([7, 3, 50]))
    np.testing.assert_array_equal(some[np.array([2, 0])], INPUTS[[50, 7]])
    np.testing.assert_array_equal(np.asarray(some), INPUTS[[7, 3, 50]])
    assert some.digest != rows.digest == disk_rows.of_npz(file, "inputs").digest
    np.testing.assert_array_equal(rows.of_one_channel()[:2], INPUTS[:2, ..., None])
    np.savez(file, inputs=np.asfortranarray(INPUTS))
    np.testing.assert_array_equal(disk_rows.of_npz(file, "inputs")[:5], INPUTS[:5])


def test_students_of_rows_on_disk_are_those_of_rows_in_memory(file):
    """In memory all seeds are asked for the order of seed 0, which they share on disk."""
    model = kd.functional(kd.models.MLP((4,), 2), (2, 3))
    sampler = samplers.scattered(jax.random.key(0), 60, 16)
    recipe = NetworkRecipe(model, optax.sgd(0.1), sampler, 3)
    arms = [students.Arm("labels", label_weight=1.0), students.Arm("soft", 2.0, weight=1.0)]
    keys, teachers = jax.random.split(jax.random.key(1), 2), {"teacher": LOGITS}
    found, curves = students.fit(
        recipe, arms, Split(disk_rows.of_npz(file, "inputs"), LABELS), teachers, keys
    )
    expected, others = students.fit(
        recipe, arms, Split(INPUTS, LABELS), teachers, keys, seeds=[0, 0]
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found, expected)
    np.testing.assert_allclose(curves["loss"], others["loss"], rtol=1e-5)
    with pytest.raises(kd.InputError, match="rows on disk cannot have views"):
        students.fit(
            recipe, arms, Split(disk_rows.of_npz(file, "inputs"), LABELS), teachers, keys,
            views=lambda rows, key: rows,
        )  # fmt: skip


def test_the_command_streams(file, tmp_path):
    given = {"data": str(file), "label": "", "teacher": (), "stream": True, "out": ""}
    folder = tiny_runs.finished(tiny_runs.config(tmp_path, **given))
    records = jsonl.records(folder)
    assert [r["row"] for r in records].count("labels only") == 2
    assert all(0 <= r["test_accuracy"] <= 1 for r in records)


def test_what_cannot_be_streamed_is_one_line(file, tmp_path):
    packed = tmp_path / "packed.npz"
    np.savez_compressed(packed, inputs=INPUTS)
    refused("inputs is compressed and cannot be streamed", npz.read, packed, True)
    np.savez(packed, inputs=INPUTS.astype(float))
    refused("inputs are float64, which are not streamed", npz.read, packed, True)
    broken = INPUTS.copy()
    broken[9] = np.nan
    np.savez(packed, inputs=broken)
    refused("inputs has NaN or infinity in row 9", npz.read, packed, True)
    tiny_runs.write(tmp_path)
    refused("--stream is given with .*, a table", problem.read,
            tiny_runs.config(tmp_path, stream=True))  # fmt: skip
