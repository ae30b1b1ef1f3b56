"""Ensembles by hand: means of probabilities and of logits."""

import jax
import numpy as np

from kd_jax import models
from kd_jax.distill import ensembles


def test_ensembles_by_hand():
    # two networks say (0.8, 0.2) and (0.5, 0.5): means (0.65, 0.35) and (2, 1)/3 of √0.4, √0.1
    logits = np.log([[[0.8, 0.2]], [[0.5, 0.5]]])
    np.testing.assert_allclose(np.exp(ensembles.arithmetic_mean(logits)), [[0.65, 0.35]], rtol=1e-6)
    np.testing.assert_allclose(
        np.exp(ensembles.geometric_mean(logits)), [[2 / 3, 1 / 3]], rtol=1e-6
    )
    same = np.repeat(logits[:1], 3, 0) + 7  # of equal networks both are the network
    for mean in (ensembles.arithmetic_mean, ensembles.geometric_mean):
        np.testing.assert_allclose(np.exp(mean(same)), [[0.8, 0.2]], rtol=1e-6)


def test_an_ensemble_as_one_model_says_what_its_members_mean():
    one = models.functional(models.MLP((4,), 3), (2,))
    whole = ensembles.as_model(one, 5)
    variables, inputs = whole.init(jax.random.key(0)), np.float32([[1, 2], [-3, 0.5]])
    members = [jax.tree.map(lambda x, m=m: x[m], variables) for m in range(5)]
    each = np.stack([one.logits(member, inputs) for member in members])
    assert np.ptp(each, axis=0).min() > 0
    (logits, _), _ = whole.apply(variables, inputs)
    np.testing.assert_allclose(logits, ensembles.arithmetic_mean(each), rtol=1e-5)
