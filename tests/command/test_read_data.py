"""Files in Python: parts, outputs of a function of raw rows, names that go with a student."""

import importlib.util

import jax
import numpy as np
import pytest
import tiny_runs
from refusals import refused
from scipy import special

import kd_jax as kd


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("read")
    tiny_runs.write(folder)
    return kd.read_data(folder / "people.csv", label="verdict", split=(0.5, 0.2, 0.3))


def by_age(table):
    """P(second class) of the raw column: certain above 48, where it is known."""
    age = np.array([48 if x is None else x for x in table["age"].to_pylist()], float)
    return np.stack([1.0 * (age <= 48), 1.0 * (age > 48)], 1)


def test_parts_are_splits_of_one_file(data):
    assert [len(x.labels) for x in (data.train, data.validation, data.test)] == [100, 40, 60]
    assert data.classes == tiny_runs.CLASSES and data.moments is None
    assert data.raw["train"].column_names == ["age", "town", "note, long"]
    model = kd.functional(kd.models.MLP((), 2), data.train.inputs.shape[1:])
    assert data.standardized(model) is model


def test_inputs_of_raw_rows_are_those_of_the_parts(data):
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(data.inputs(data.raw[part]), getattr(data, part).inputs)


def test_a_function_of_raw_rows_is_asked_once_for_each_part(data):
    known = data.ask(by_age)
    assert {name: x.shape for name, x in known.logits.items()} == {
        "train": (100, 2), "validation": (40, 2), "test": (60, 2),
    }  # fmt: skip
    p = special.softmax(known.logits["test"], -1)
    np.testing.assert_allclose(p, by_age(data.raw["test"]), atol=1e-6)
    refused("fails on", data.ask, lambda table: table["income"])


def test_a_student_takes_the_names_along(data, tmp_path):
    model = kd.functional(kd.models.MLP((), 2), data.train.inputs.shape[1:])
    network = data.fitted(kd.Network(model, model.init(jax.random.key(0)), ["0", "1"]))
    assert network.classes == tiny_runs.CLASSES and network.preprocessing["kind"] == "table"
    (tmp_path / "new.csv").write_text('town,age,"note, long"\nKöln,30,b\n', encoding="utf-8")
    (row,) = network.inputs(tmp_path / "new.csv")
    ages = [x for x in data.raw["train"]["age"].to_pylist() if x is not None]
    assert row[0] == pytest.approx((30 - np.mean(ages)) / np.std(ages), rel=1e-5)


def test_images_are_seen_standardized(tmp_path):
    inputs = np.random.default_rng(1).integers(0, 256, (40, 2, 2, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", inputs=inputs, labels=np.arange(40) % 2)
    found = kd.read_data(tmp_path / "mine.npz")
    assert found.inputs(found.raw["test"]) is found.raw["test"]
    mean, scale = found.moments
    pixels = found.train.inputs.reshape(-1, 3).astype(float)
    np.testing.assert_allclose(mean, pixels.mean(0), rtol=1e-5)
    np.testing.assert_allclose(scale, 1 / pixels.std(0), rtol=1e-5)
    model = kd.functional(kd.models.MLP((), 2), (2, 2, 3))
    variables = model.init(jax.random.key(0))
    once = found.standardized(model)
    assert found.standardized(once) is once  # as own pairs of compare_methods may ask again
    seen = once.logits(variables, inputs[:3])
    expected = model.logits(variables, ((inputs[:3] - mean) * scale).astype(np.float32))
    np.testing.assert_allclose(seen, expected, atol=1e-4)


def frames(path):
    """The rows of a csv file as tables of several libraries."""
    pa = pytest.importorskip("pyarrow", reason="needs the extra data")
    from kd_jax.data import tables

    table = tables.read(path)
    yield table
    if importlib.util.find_spec("pandas"):
        yield table.to_pandas().set_index(pa.array(range(5, 5 + len(table))).to_pandas())


def test_a_table_in_memory_is_read_as_its_file(data, tmp_path):
    tiny_runs.write(tmp_path)
    for table in frames(tmp_path / "people.csv"):
        found = kd.read_data(table, label="verdict", split=(0.5, 0.2, 0.3))
        for part in ("train", "validation", "test"):
            np.testing.assert_allclose(getattr(found, part).inputs, getattr(data, part).inputs)
            np.testing.assert_array_equal(getattr(found, part).labels, getattr(data, part).labels)
        assert not [note for note in found.notes if str(tmp_path) in note or "/tmp" in note]
        np.testing.assert_allclose(found.inputs(table)[:5], data.inputs(table)[:5])
        with pytest.raises(kd.InputError, match="data.parquet has no such column"):
            kd.read_data(table, label="nothing")
    refused("no column 'age'", data.inputs, data.raw["test"].drop_columns(["age"]))
    refused("is no table", data.inputs, [1, 2])


def test_files_and_tables_in_the_place_of_inputs_are_told_what_makes_inputs(data):
    model = kd.functional(kd.models.MLP((), 2), data.train.inputs.shape[1:])
    network = data.fitted(kd.Network(model, model.init(jax.random.key(0)), ["0", "1"]))
    refused("network.inputs.path. makes it", network.predict, "new.csv")
    refused("network.inputs.path. makes it", network.predict, ["new.csv"])
    refused("a Table is given in the place of inputs", network.predict, data.raw["test"])
    refused("inputs.…. is given a Table: expected paths", network.inputs, data.raw["test"])
