"""Projectors of feature losses: shapes, and initial values as documented."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kd_jax.losses
from kd_jax.models import projectors

from .quick import Compiled, quick_jit

losses = Compiled()


def features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def applied(module, x):
    params, result = quick_jit(lambda x: module.init_with_output(jax.random.key(1), x)[::-1])(x)
    # Parameters only: no batch statistics, no other state.
    assert set(params) == {"params"}
    return params, result


def count(params):
    return sum(x.size for x in jax.tree.leaves(params))


@pytest.mark.parametrize("shape", [(2, 5, 5, 3), (2, 3)])
def test_projector_is_a_dense_layer_on_the_channels(shape):
    x = features(*shape)
    params, projected = applied(projectors.Projector(8), x)
    kernel, bias = params["params"]["Dense_0"]["kernel"], params["params"]["Dense_0"]["bias"]
    np.testing.assert_allclose(projected, np.asarray(x) @ kernel + bias, atol=1e-5)
    teacher = features(*shape[:-1], 8, seed=2)
    assert losses.hint(projected, teacher).shape == (2,)
    assert losses.activation_boundary(projected, teacher).shape == (2,)


def test_regressor_starts_at_its_variance():
    params, (mean, variance_logit) = applied(projectors.Regressor(7), features(2, 4, 4, 3))
    assert mean.shape == (2, 4, 4, 7) and count(params) == 3 * 7 + 2 * 7 * 7 + 7
    np.testing.assert_allclose(jax.nn.softplus(variance_logit) + 1e-5, np.full(7, 5.0), rtol=1e-6)
    teacher = features(2, 4, 4, 7, seed=2)
    want = 0.5 * (np.mean((teacher - mean) ** 2, (1, 2, 3)) / 5 + np.log(5))
    got = losses.variational_information(mean, teacher, variance_logit)
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_embedding_has_length_one():
    module = projectors.Embedding(16)
    params, embedded = applied(module, features(3, 2, 2, 5))
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=-1), np.ones(3), rtol=1e-6)
    slope = quick_jit(jax.grad(lambda x: jnp.sum(module.apply(params, x))))(np.zeros((3, 2, 2, 5)))
    assert np.all(np.isfinite(slope))


def test_factors_meet_and_the_paraphraser_reconstructs_its_shape():
    teacher, student = features(2, 4, 4, 6), features(2, 4, 4, 3, seed=2)
    _, (factor, decoded) = applied(projectors.Paraphraser(4), teacher)
    _, translated = applied(projectors.Translator(4), student)
    assert decoded.shape == teacher.shape and factor.shape == translated.shape == (2, 4, 4, 4)
    assert losses.factor_transfer(translated, factor).shape == (2,)


def test_a_hint_trains_its_projector_and_the_student_alone():
    student, teacher = features(4, 3), features(4, 5, seed=2)
    module = projectors.Projector(5)
    params, _ = applied(module, student)

    def loss(params, student, teacher):
        return jnp.mean(kd_jax.losses.hint(module.apply(params, student), teacher))

    slopes = quick_jit(jax.grad(loss, argnums=(0, 1, 2)))(params, student, teacher)
    assert all(np.any(x) for x in jax.tree.leaves(slopes[:2])) and not np.any(slopes[2])
