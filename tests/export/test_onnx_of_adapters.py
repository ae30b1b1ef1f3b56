"""Networks of other libraries as ONNX: onnxruntime gives what JAX does, or a line says why not."""

import jax
import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs the extra export")

import flax.linen as nn
import onnxruntime
from flax import nnx

import kd_jax as kd
from kd_jax import models
from kd_jax.errors import brief
from kd_jax.export import formats

IMAGES = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype(np.float32)


class Convolutional(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.max_pool(nn.Conv(4, (3, 3))(x), window_shape=(2, 2), strides=(2, 2))
        return nn.Dense(3)(x.mean((1, 2)))


def converted(model, path):
    """(logits of onnxruntime, logits of JAX) for IMAGES."""
    model = models.fitted(model, IMAGES)
    variables = jax.tree.map(np.asarray, model.init(jax.random.key(0)))
    formats.onnx(path, formats.of_any_batch(formats.function_of(model, variables), IMAGES), IMAGES)
    session = onnxruntime.InferenceSession(path)
    (found,) = session.run(None, {session.get_inputs()[0].name: IMAGES})
    return found, model.apply(variables, IMAGES)[0][0]


@pytest.mark.parametrize("scale", [None, [2.0, 3.0, 4.0]])
def test_features_by_name_do_not_hinder(tmp_path, scale):
    model = kd.from_flax(Convolutional(), features=["Conv_0"])
    if scale:
        model = models.standardized(models.fitted(model, IMAGES), [0.5, 0.0, 1.0], scale)
    found, expected = converted(model, tmp_path / "x.onnx")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_convolutions_of_equinox(tmp_path):
    eqx = pytest.importorskip("equinox", reason="needs Equinox")

    class InEquinox(eqx.Module):
        layers: list

        def __init__(self, key):
            first, last = jax.random.split(key)
            linear = eqx.nn.Linear(36, 3, key=last)
            pooled = [eqx.nn.Conv2d(3, 4, 3, key=first), eqx.nn.MaxPool2d(2, 2)]
            self.layers = [*pooled, eqx.nn.Lambda(lambda x: x.ravel()), linear]

        def __call__(self, x):
            x = x.transpose(2, 0, 1)
            for layer in self.layers:
                x = layer(x)
            return x

    found, expected = converted(kd.from_equinox(lambda key: InEquinox(key)), tmp_path / "x.onnx")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pool", ["max_pool", "avg_pool"])
def test_a_pooling_by_place_is_told_how_to_be_written(tmp_path, pool):
    class Pooled(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = getattr(nnx, pool)(nn.Conv(4, (3, 3))(x), (2, 2), (2, 2))
            return nn.Dense(3)(x.mean((1, 2)))

    said = "give its arguments by name, as in nnx.max_pool.x, window_shape=.2, 2., strides=.2, 2."
    with pytest.raises(formats.NotConverted, match=said):
        converted(kd.from_flax(Pooled()), tmp_path / "x.onnx")


def test_what_is_cut_ends_in_dots():
    assert brief(ValueError("a  b")) == "a b"
    assert brief(ValueError("x" * 160)) == "x" * 160
    assert brief(ValueError("x" * 161)) == "x" * 159 + "…"
    assert brief(ValueError("abc"), 2) == "a…"
