"""Early stopping against a walk down a line, whose best epoch is known by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from kd_jax.training import early_stopping, state

START = {"params": {"x": jnp.float32(0)}, "state": {}}


def loss(variables, batch, key):
    """−x: a step of rate 0.5 adds a half."""
    return state.Outcome(-variables["params"]["x"])


def draw(key):
    return {}


def stopped(scores, epochs, patience):
    """(epoch, x) of a score by epoch; an epoch has 2 steps, so x is the number of the epoch."""

    def score(variables):
        return jnp.array(scores, jnp.float32)[jnp.round(variables["params"]["x"]).astype(int)]

    lengths = 2, epochs, patience
    found = early_stopping.train_until_no_better(
        loss, optax.sgd(0.5), START, draw, score, lengths, jax.random.key(0)
    )
    assert found.score == np.float32(scores[int(found.epoch)])
    return int(found.epoch), float(found.variables["params"]["x"])


@pytest.mark.parametrize(
    "scores, epochs, patience, best",
    [
        ((1, 2, 3, 4), 3, 1, 3),  # better in every epoch: the last
        ((4, 3, 2, 1), 3, 1, 0),  # never better: as it began
        ((1, 3, 2, 2, 9), 4, 2, 1),  # two epochs no better: the fourth is not looked at
        ((1, 3, 2, 2, 9), 4, 3, 4),  # with more patience it is
        ((1, 2, 2, 2, 2), 4, 4, 1),  # of equals the earliest
        ((1, 2, 1, 3, 1, 1, 9), 6, 2, 3),  # patience begins anew with each better one
    ],
)
def test_the_best_epoch_within_patience_by_hand(scores, epochs, patience, best):
    assert stopped(scores, epochs, patience) == (best, best)


def test_without_a_stop_it_is_training_for_all_steps():
    random = np.random.default_rng(0).normal(size=(6, 3)).astype("f4")
    begun = {"params": {"w": jnp.zeros(3)}, "state": {}}

    def squares(variables, batch, key):
        return state.Outcome(jnp.mean((batch.rows["x"] @ variables["params"]["w"] - 1) ** 2))

    def rows(key):
        return {"x": jnp.asarray(random)[jax.random.randint(key, (2,), 0, 6)]}

    adam, key = optax.adam(0.1), jax.random.key(3)
    found = early_stopping.train_until_no_better(
        squares, adam, begun, rows, lambda v: jnp.sum(jnp.abs(v["params"]["w"])), (2, 3, 3), key
    )
    steps = 2 * int(found.epoch)
    expected = state.train_steps(squares, adam, begun, rows, steps, key)
    np.testing.assert_array_equal(found.variables["params"]["w"], expected["params"]["w"])
    assert steps > 0
