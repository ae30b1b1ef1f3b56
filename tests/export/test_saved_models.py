"""Networks saved in run folders: what is saved comes back with its test and its teacher."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from in_process import untrained

import kd_jax as kd
from kd_jax import experiment, models
from kd_jax.data import Split
from kd_jax.distill.teachers import Teachers
from kd_jax.errors import InputError
from kd_jax.export import quantize, saved_models
from kd_jax.models import bert, llama, serialization
from kd_jax.storage import run_folder

NETWORKS = [
    (models.MLP((5, 4), 3, activation=jnp.tanh, dropout=0.5), (6,)),
    (models.MLP((5,), 3, kernel_init=models.lecun_normal), (2, 3)),
    (models.ConvNet((2, 3), (1,), 4), (6, 6)),
    (models.ColumnsAsChannels(models.ConvNet((2,), (1,), 4)), (8, 8)),
    (models.HalfResolution(models.ConvNet((2, 3), (1,), 4)), (8, 8)),
    (models.resnet8x4(5), (32, 32, 3)),
    (
        llama.Llama(
            11,
            width=8,
            layers=2,
            heads=2,
            num_kv_heads=1,
            head_dim=4,
            intermediate_size=8,
            tied=True,
        ),
        (),
    ),
    (bert.Bert(11, width=8, layers=2, heads=2, intermediate_size=8), ()),
]


@pytest.mark.parametrize("network, shape", NETWORKS, ids=lambda x: type(x).__name__)
def test_a_network_is_built_again_from_its_description(network, shape):
    written = json.loads(json.dumps(serialization.describe(network)))
    both = [serialization.model_of(net, shape) for net in (network, serialization.build(written))]
    params = untrained(both[0])
    if shape:
        inputs = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    else:
        inputs = {"ids": jnp.array([[3, 5, 7]]), "mask": jnp.ones((1, 3), bool)}
    one, two = (jax.jit(model.logits)(params, inputs) for model in both)
    np.testing.assert_array_equal(one, two)


def test_what_describes_no_network_is_said():
    for broken in ({"class": "mlp.Nothing"}, {"class": "os.path.join"}, {}, {"class": "mlp.MLP"}):
        with pytest.raises(ValueError, match="describes no network"):
            serialization.build(broken)


def test_a_block_s_largest_weight_is_127():
    """Two blocks of a column: 2.54 = 127 · 0.02 and 1.27 = 127 · 0.01 are the largest of theirs."""
    kernel = np.zeros((33, 1), np.float32)
    kernel[[0, 1, 32], 0] = 2.54, -0.051, 1.27
    params = {"dense": {"kernel": kernel, "bias": np.ones(1, np.float32)}}
    found = quantize.quantized(params)
    assert found["dense"]["kernel"].dtype == np.int8
    np.testing.assert_array_equal(found["dense"]["kernel"][[0, 1, 2, 32], 0], [127, -3, 0, 127])
    np.testing.assert_allclose(found["dense"]["kernel_scale"][:, 0], [0.02, 0.01], rtol=1e-6)
    again = quantize.dequantized(found)
    np.testing.assert_allclose(again["dense"]["kernel"][[0, 1, 32], 0], [2.54, -0.06, 1.27])
    assert again["dense"].keys() == {"kernel", "bias"}


@pytest.mark.parametrize("shape", [(70, 9), (3, 40, 5)])
def test_rounding_is_within_half_a_step(shape):
    kernel = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = quantize.quantized({"kernel": kernel})
    again = np.asarray(quantize.dequantized(found)["kernel"])
    scale = np.repeat(found["kernel_scale"], quantize.BLOCK, axis=-2)[..., : shape[-2], :]
    assert (np.abs(again - kernel) <= scale / 2 * (1 + 1e-5)).all()


def test_names_of_others_that_end_alike_stay():
    params = {"a_scale": np.ones(2), "b": {"kernel": np.ones((2, 2)), "kernel_scale": np.ones(3)}}
    for call in (quantize.quantized, quantize.dequantized):
        jax.tree.map(np.testing.assert_array_equal, call(params), params)


def test_convolutions_and_embeddings_stay_as_they_are():
    params = {"kernel": np.ones((3, 3, 1, 2)), "embedding": np.ones((4, 2))}
    assert quantize.quantized(params) == params


MODEL = models.functional(models.MLP((4,), 3), (5,))
TEST = Split(np.random.default_rng(1).normal(size=(7, 5)).astype("f"), np.arange(7) % 3)
ROWS = ["plain", "soft"]


def params_of(seeds, rows):
    return untrained(MODEL, seeds, rows)


@pytest.fixture
def run(tmp_path):
    """A run with two rows of three seeds, in two parts, and a teacher."""
    here = run_folder.Run(tmp_path, "some", {"preset": "default"}, saved_seeds=2)
    params, logits = params_of(3, 2), np.eye(3)[TEST.labels]
    saved_models.save_teachers(here, Teachers("teacher", MODEL, teacher(), {}, "", 0.0), TEST)
    for part in "ab":
        saved_models.save(here, MODEL, params, ROWS, TEST, logits, part=part)
        here.append({"row": r, "seed": s, "part": part, "x": 1} for r in ROWS for s in range(3))
    here.append([{"row": "teacher", "seed": 0}])
    return here


def teacher():
    return jax.tree.map(lambda x: 2 * x, untrained(MODEL, 1))


class Foreign(nnx.Module):
    """A network that no description builds again, with batch norm's running statistics."""

    def __init__(self, rngs):
        self.norm = nnx.BatchNorm(5, rngs=rngs)
        self.logits = nnx.Linear(5, 3, rngs=rngs)

    def __call__(self, x):
        return self.logits(self.norm(x))


def test_a_network_of_another_library_is_saved_and_read_without_its_code(tmp_path):
    here = run_folder.Run(tmp_path, "some", {"preset": "default"}, saved_seeds=1)
    model = kd.from_nnx(lambda key: Foreign(nnx.Rngs(key)))
    random, shapes = np.random.default_rng(5), jax.eval_shape(model.init, jax.random.key(0))
    variables = jax.tree.map(lambda x: random.random((1, 1, *x.shape)).astype("f"), shapes)
    about = {"classes": ["a", "b", "c"], "preprocessing": {"kind": "arrays"}}
    saved_models.save(here, model, variables, ["one"], TEST, about=about)
    here.append([{"row": "one", "seed": 0}])
    found = saved_models.take(here.folder, "one", 0, {})
    assert found.about == about and found.model.network is None
    norm, dense = (variables["params"][name] for name in ("norm", "logits"))
    mean, var = (variables["state"]["norm"][name][0, 0] for name in ("mean", "var"))
    x = (TEST.inputs.astype(np.float64) - mean) / np.sqrt(var + 1e-5)
    x = x * norm["scale"][0, 0] + norm["bias"][0, 0]
    expected = x @ dense["kernel"][0, 0] + dense["bias"][0, 0]
    for rows in (1, 7):
        logits = found.model.logits(found.variables, TEST.inputs[:rows])
        np.testing.assert_allclose(logits, expected[:rows], rtol=1e-5)


def test_a_saved_network_is_the_trained_one(run):
    found = saved_models.take(run.folder, "soft", 1, {"part": "b"})
    jax.tree.map(
        np.testing.assert_array_equal,
        found.variables,
        jax.tree.map(lambda x: x[1, 1], params_of(3, 2)),
    )
    np.testing.assert_array_equal(found.inputs, TEST.inputs)
    np.testing.assert_array_equal(
        found.teacher_classes, TEST.labels
    )  # the largest of a one-hot line
    assert found.record["part"] == "b" and found.record["seed"] == 1
    np.testing.assert_array_equal(
        found.teacher.variables["params"]["logits"]["bias"],
        teacher()["params"]["logits"]["bias"][0],
    )


@pytest.mark.parametrize(
    "row, seed, where, count",
    [("soft", 2, {"part": "a"}, 0), ("none", 0, {}, 0), ("soft", 0, {}, 2), ("soft", -1, {}, 0)],
)
def test_one_network_must_be_meant(run, row, seed, where, count):
    with pytest.raises(InputError, match=f"--row={row} --seed={seed}.*: {count} networks of"):
        saved_models.take(run.folder, row, seed, where)


def test_a_flipped_byte_in_a_saved_network_is_named(run):
    data = next(run.folder.glob("networks/*/params/state/d/*"))
    changed = bytearray(data.read_bytes())
    changed[len(changed) // 2] ^= 1
    data.write_bytes(changed)
    with pytest.raises(InputError, match="is corrupted"):
        saved_models.groups(run.folder)


def test_none_are_saved_unless_wanted(tmp_path):
    here = run_folder.Run(tmp_path, "some", {}, saved_seeds=0)
    saved_models.save(here, MODEL, params_of(1, 2), ROWS, TEST)
    with pytest.raises(InputError, match="holds no networks"):
        saved_models.groups(here.folder)


def test_fewer_than_none_are_refused():
    with pytest.raises(InputError, match="--saved_seeds=-1: expected at least 0"):
        experiment.parse(experiment.Config, ["x", "--saved_seeds=-1"])


def test_networks_take_the_place_of_others_of_the_same_slot(tmp_path):
    """As of a rate that turns out to be better."""
    here = run_folder.Run(tmp_path, "some", {})
    for rate in (0.1, 0.2):
        params = jax.tree.map(lambda x, rate=rate: x * rate, params_of(1, 1))
        for row in ("one", "other"):
            saved_models.save(here, MODEL, params, [row], TEST, slot=row, rate=rate)
    here.append([{"row": "one", "seed": 0, "rate": rate} for rate in (0.1, 0.2)], by=["rate"])
    found = [(group.rows, group.where) for group in saved_models.groups(here.folder)]
    assert sorted(found) == [(["one"], {"rate": 0.2}), (["other"], {"rate": 0.2})]
    one = saved_models.take(here.folder, "one", 0, {})
    assert one.record["rate"] == 0.2
    wanted = jax.tree.map(lambda x: x[0, 0] * 0.2, params_of(1, 1))
    jax.tree.map(np.testing.assert_array_equal, one.variables, wanted)
