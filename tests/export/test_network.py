"""A trained network predicts what NumPy does, and is the same when it is read again."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_process import untrained
from one_process import verified_here

import kd_jax as kd
from kd_jax import models
from kd_jax.errors import InputError
from kd_jax.export import student_files
from kd_jax.export.network import Network

RANDOM = np.random.default_rng(3)
KERNEL, OFFSET = RANDOM.normal(size=(5, 3)).astype("f"), RANDOM.normal(size=3).astype("f")
INPUTS = RANDOM.normal(size=(300, 5)).astype(np.float32)  # more than two batches
LOGITS = INPUTS @ np.float64(KERNEL) + OFFSET
POWERS = np.exp(LOGITS)


def linear(traced=None):
    """A network that no library knows; it notes every trace of it."""

    def apply(variables, inputs, train=False, key=None):
        if traced is not None:
            traced.append(inputs.shape)
        params = variables["params"]
        return (inputs @ params["weights"] + params["a_scale"], {}), variables["state"]

    model = kd.Model(lambda key: None, apply)
    variables = {"params": {"weights": KERNEL, "a_scale": OFFSET}, "state": {}}
    return Network(model, variables, ["a", "b", "c"], (5,), "float32", {"kind": "arrays"})


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    verified_here(monkeypatch)


def test_rows_of_any_number_are_predicted_by_one_program():
    traced = []
    network = linear(traced)
    for rows in (INPUTS, INPUTS[:1].tolist(), INPUTS[:0].astype(np.float64), INPUTS[:130]):
        count = len(rows)
        np.testing.assert_allclose(network.logits(rows), LOGITS[:count], rtol=1e-5, atol=1e-5)
    assert len(traced) == 1
    found = network.probabilities(INPUTS)
    np.testing.assert_allclose(found, POWERS / POWERS.sum(1, keepdims=True), rtol=1e-4)
    classes = network.predict(INPUTS)
    np.testing.assert_array_equal(classes, LOGITS.argmax(1))
    assert classes.dtype == np.int32 and found.dtype == np.float32


def test_other_inputs_are_one_line():
    images = linear()._replace(dtype="uint8")
    holed = np.where(np.arange(300) == 7, np.nan, 0)[:, None] * np.ones(5)
    for network, inputs, line in [
        (linear(), INPUTS[:, :4], r"inputs have the shape \[300, 4\]: expected \[N, 5\]"),
        (linear(), INPUTS[0], r"inputs have the shape \[5\]"),
        (linear(), INPUTS.astype(str), r"inputs are <U\d+: expected float32 \[N, 5\]"),
        (linear(), holed, "inputs have NaN or infinity in row 7"),
        (linear(), np.full((1, 5), 1e39), "inputs have NaN or infinity in row 0"),
        (images, INPUTS, r"inputs are float32: expected uint8 \[N, 5\]"),
    ]:
        with pytest.raises(InputError, match=line) as error:
            network.predict(inputs)
        assert "\n" not in str(error.value)


def test_somebody_s_own_network_is_read_again_without_its_code(tmp_path, capsys):
    linear().save(tmp_path / "saved" / "student")
    found = kd.load(tmp_path / "saved" / "student")
    np.testing.assert_allclose(found.logits(INPUTS), LOGITS, rtol=1e-5, atol=1e-5)
    assert found.classes == ["a", "b", "c"] and found.shape == (5,) and found.dtype == "float32"
    assert found.preprocessing == {"kind": "arrays"} and found.model.network is None
    assert found.export(tmp_path / "again", "int8", "safetensors") == ["student.stablehlo"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "student.safetensors is left out", "student_int8.stablehlo is left out",
    ]  # fmt: skip


def test_a_network_that_asks_for_the_length_of_its_batch_is_saved_too(tmp_path):
    def apply(variables, inputs, train=False, key=None):
        logits = inputs.reshape(len(inputs), -1) @ KERNEL + jnp.zeros((len(inputs), 1)) + OFFSET
        return (logits.astype(jnp.float16), {}), {}

    linear()._replace(model=kd.Model(None, apply)).save(tmp_path / "student")
    found = kd.load(tmp_path / "student")
    for count in (1, 300):
        np.testing.assert_allclose(found.logits(INPUTS[:count]), LOGITS[:count], atol=0.01)
    assert found.logits(INPUTS).dtype == np.float32


def test_a_network_of_ours_comes_back_whole(tmp_path):
    pytest.importorskip("safetensors", reason="needs the extra export")
    net = models.functional(models.ConvNet((2,), (1,), 3), (4, 4, 3))
    model = models.standardized(net, (100.0, 0.1, 3.0), (0.01, 0.02, 0.03))
    how = {"kind": "images", "size": 4, "channels": 3}
    network = Network(model, untrained(model), ["a", "b", "c"], (4, 4, 3), "uint8", how)
    network.save(tmp_path / "student")
    found = kd.load(tmp_path / "student")
    assert found[2:] == network[2:] and found.model.network == model.network
    jax.tree.map(np.testing.assert_array_equal, found.variables, network.variables)
    images = RANDOM.integers(256, size=(3, 4, 4, 3), dtype=np.uint8)
    (_, features), _ = found.model.apply(found.variables, images)
    inputs = (images - np.float32([100, 0.1, 3])) * np.float32([0.01, 0.02, 0.03])
    (_, expected), _ = net.apply(network.variables, inputs)
    np.testing.assert_allclose(features["conv_1"], expected["conv_1"], rtol=1e-5, atol=1e-6)


def damaged(folder):
    """(what becomes of a copy of the folder, what is said then)."""

    def cut(path):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def changed(path, **changes):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    facts, graph = folder / "preprocessing.json", folder / "student.stablehlo"
    yield lambda: changed(facts, version=2), "of a newer kd_jax .version 2.: update kd_jax"
    yield lambda: changed(facts, classes=["a"]), "the logits of one row are .1, 3.: expected .1, 1."
    yield lambda: changed(facts, shape=[4]), "student.stablehlo is unreadable"
    yield lambda: changed(facts, dtype="int64"), "preprocessing.json is unreadable"
    yield lambda: facts.write_text("[]"), "preprocessing.json is unreadable"
    yield lambda: cut(facts), "preprocessing.json is unreadable"
    yield lambda: cut(graph), "student.stablehlo is unreadable .*: save the student again"
    yield graph.unlink, "student.stablehlo is unreadable .*No such file"
    yield facts.unlink, "holds no saved student: expected a folder with preprocessing.json"
    yield lambda: shutil.rmtree(folder), "holds no saved student"


def test_a_damaged_folder_is_one_line(tmp_path):
    linear().save(tmp_path / "student")
    copy = tmp_path / "copy"
    for damage, line in damaged(copy):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(tmp_path / "student", copy)
        damage()
        with pytest.raises(InputError, match=line) as error:
            kd.load(copy)
        assert "\n" not in str(error.value)


def test_what_cannot_be_exported_is_refused(tmp_path):
    network, out = linear(), tmp_path / "student"

    def called_back(variables, inputs, train=False, key=None):
        shape = jax.ShapeDtypeStruct((inputs.shape[0], 3), np.float32)
        return (jax.pure_callback(lambda x: x[:, :3], shape, inputs), {}), {}

    outside = network._replace(model=kd.Model(None, called_back))
    for one, formats, line in [
        (network, ["onnxx"], "no format is called onnxx: did you mean onnx"),
        (network, ["pickle"], f"no format is called pickle: .*{student_files.FORMATS[-1]}"),
        (network._replace(classes=["a", "b"]), [], r"are \(1, 3\): expected \(1, 2\)"),
        (network._replace(classes=3), [], "classes=3: expected a list of names, one of each"),
        (network._replace(classes="abc"), [], "classes='abc': expected a list of names"),
        (network._replace(shape=(4,)), [], r"the network takes no float32 \(4,\)"),
        (network._replace(dtype="int32"), [], "dtype is int32: expected one of float32, uint8"),
        (network._replace(preprocessing={"kind": "table"}), [], "preprocessing is .*and its sett"),
        (outside, [], "student.stablehlo cannot be written .*of JAX alone"),
    ]:
        with pytest.raises(InputError, match=line) as error:
            one.export(out, *formats)
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_nan_is_no_class():
    large = np.zeros((3, 5), np.float32)
    large[2] = 1e38  # whose sum is infinite, and ∞ less ∞ no number
    sums = {"weights": np.full((5, 3), 4, np.float32), "a_scale": np.zeros(3, np.float32)}
    network = linear()._replace(variables={"params": sums, "state": {}})

    def apply(variables, inputs, train=False, key=None):
        (logits, features), state = linear().model.apply(variables, inputs)
        return (logits - logits[:, ::-1], features), state

    network = network._replace(model=kd.Model(None, apply))
    assert network.predict(large[:2]).tolist() == [0, 0]
    with pytest.raises(InputError, match="row 2 has NaN logits: are its inputs far from usual"):
        network.predict(large)


def test_a_network_is_shown_without_its_numbers():
    """Two classes of three inputs: 3·2 weights and 2 biases."""
    model = models.functional(models.MLP((), 2), (3,))
    shown = repr(Network(model, model.init(jax.random.key(0)), ["a", "b"], (3,)))
    assert shown == "Network(2 classes, inputs float32 [3], 8 numbers)"
    assert "5 classes" in repr(linear()._replace(classes=5))
