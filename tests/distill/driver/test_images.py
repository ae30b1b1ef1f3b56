"""Images as bytes, batch norm, dropout and a Network as teacher: what methods of features need."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from one_process import verified_here

import kd_jax as kd
from kd_jax.distill import methods
from kd_jax.distill.driver import distill as driver
from kd_jax.distill.driver import fitting, given_rows
from kd_jax.models import fitted

RANDOM = np.random.default_rng(1)
LABELS = (np.arange(120) % 2).astype(np.int32)
IMAGES = RANDOM.integers(0, 200, size=(120, 6, 6, 1)).astype(np.uint8)
IMAGES[LABELS == 1, :3] += 50


class Net(nn.Module):
    """A convolution with batch norm; features whose names are not in alphabetical order."""

    width: int

    @nn.compact
    def __call__(self, x, train=False):
        x = nn.Conv(self.width, (3, 3))(x.astype(jnp.float32) / 255)
        maps = nn.relu(nn.BatchNorm(not train)(x))
        hidden = nn.Dropout(0.1, deterministic=not train)(maps.mean((1, 2)))
        return nn.Dense(2)(hidden), {"maps": maps, "hidden": hidden}


def teacher():
    model = fitted(kd.from_flax(Net(6)), IMAGES[:2])
    variables = jax.tree.map(np.asarray, jax.jit(model.init)(jax.random.key(5)))
    return kd.Network(model, variables, ["0", "1"], (6, 6, 1), "uint8", {"kind": "arrays"})


@pytest.fixture(scope="module")
def found():
    """(problem, students of attention transfer with the weights 0 and 1000)."""
    rows = given_rows.parted(kd.Split(IMAGES, LABELS), None, None, 0)
    method = methods.of_maps()[0]._replace(weights=(0.0, 1000.0))
    recipe = kd.Recipe(optax.sgd(0.03), epochs=12, batch_size=21)
    problem = driver.prepare(kd.from_flax(Net(4)), teacher(), rows, [method], recipe)
    trained = fitting.fit_students(
        problem.student, problem.splits["train"], problem.taught, [method], recipe=recipe, seeds=2
    )
    return problem, trained[0]


def attention(maps):
    """Zagoruyko and Komodakis 2017, as RepDistiller has it: the normed mean square of channels."""
    of_place = (np.float64(maps) ** 2).mean(-1).reshape(len(maps), -1)
    return of_place / np.linalg.norm(of_place, axis=1, keepdims=True)


def maps_of(model):
    """The compiled maps of a network."""
    return jax.jit(lambda variables, images: model.apply(variables, images)[0][1]["maps"])


def test_attention_comes_near_to_that_of_the_teacher(found):
    problem, trained = found
    images = problem.splits["test"].inputs
    network = teacher()
    theirs = attention(maps_of(network.model)(network.variables, images))
    student = maps_of(problem.student)
    for seed in range(2):
        apart = []
        for weight in range(2):
            one = jax.tree.map(lambda x, s=seed, w=weight: x[s, w], trained.variables)
            ours = attention(student(one, images))
            apart.append(np.mean((ours - theirs) ** 2))
        assert apart[1] < 0.8 * apart[0]


def test_running_statistics_are_each_students_own(found):
    _, trained = found
    (means,) = [x for path, x in jax.tree_util.tree_leaves_with_path(trained.variables["state"])
                if "mean" in str(path)]  # fmt: skip
    assert means.shape == (2, 2, 4)
    one = means.reshape(4, 4)
    assert all(np.abs(a - b).max() > 1e-3 for n, a in enumerate(one) for b in one[:n])


def test_bytes_stay_bytes_and_a_student_takes_them(found, tmp_path, monkeypatch):
    verified_here(monkeypatch)
    problem, trained = found
    assert problem.splits["train"].inputs.dtype == np.uint8
    result = driver.concluded(problem, [driver.choose(problem, trained)])
    result.best.save(tmp_path / "student")
    again = kd.load(tmp_path / "student")
    images = problem.splits["test"].inputs
    np.testing.assert_allclose(again.logits(images), result.best.logits(images), atol=1e-5)
    wrong = (result.best.predict(images) != problem.splits["test"].labels).sum()
    row = result.comparison.best
    assert wrong in [r["test_errors"] for r in result.records if r["row"] == row]


def test_features_are_computed_where_a_method_reads_them(found):
    problem, _ = found
    assert list(problem.taught.features) == ["maps", "hidden"]
    rows = given_rows.parted(kd.Split(IMAGES, LABELS), None, None, 0)
    model = kd.from_flax(Net(4))
    soft = driver.prepare(model, teacher(), rows, kd.soft_targets(1), kd.Recipe())
    assert soft.taught.features == {}
