"""A step by hand: its key, its gradient, and the step at which a loss was no number."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax.training import state as train_state

KEY = jax.random.key(5)
RATE = 0.25


def noisy(variables, batch, key):
    """w · x plus a draw: the gradient is x, and the loss tells the key."""
    loss = variables["params"]["w"] * batch.rows["x"] + jax.random.normal(key)
    return train_state.Outcome(loss)


STEP = jax.jit(train_state.make_step(noisy, optax.sgd(RATE)))


def steps(xs):
    """(the states after each step, the losses)."""
    first = train_state.stateless({"w": jnp.float32(2)})
    state, states, losses = train_state.start(first, optax.sgd(RATE), KEY), [], []
    for x in xs:
        state, metrics = STEP(state, train_state.Batch({"x": jnp.float32(x)}))
        states.append(state)
        losses.append(float(metrics["loss"]))
    return states, losses


def test_every_step_draws_with_the_key_of_its_number_and_descends():
    states, losses = steps([1, 3, -2])
    # w is 2, then 2 − 1/4, then 2 − 1/4 − 3/4
    draws = [float(jax.random.normal(jax.random.fold_in(KEY, step))) for step in range(3)]
    np.testing.assert_allclose(losses, np.add([2 * 1, 1.75 * 3, 1 * -2], draws), rtol=1e-5)
    assert len(set(draws)) == 3 and [int(x.step) for x in states] == [1, 2, 3]
    assert [float(x.params["w"]) for x in states] == [1.75, 1.0, 1.5]


def test_the_first_step_without_a_finite_loss_is_kept():
    states, _ = steps([1, 1, np.inf, 1, np.inf])
    # counted from 0 the third is 2, which is written −1 − 2
    assert [int(x.step) for x in states] == [1, 2, -3, -3, -3]
    assert [int(train_state.diverged(x)) for x in states] == [-1, -1, 2, 2, 2]


def test_parameters_that_the_last_step_spoils_are_seen():
    """√w at 0 is a finite loss; its slope is infinite, and so is w after the step."""

    def root(variables, batch, key):
        return train_state.Outcome(jnp.sqrt(variables["params"]["w"]))

    step = jax.jit(jax.vmap(train_state.make_step(root, optax.sgd(RATE)), in_axes=(0, None)))
    each = {"params": {"w": jnp.array([0.0, 4.0])}, "state": {}}
    begun = jax.vmap(lambda v: train_state.start(v, optax.sgd(RATE), KEY))(each)
    assert train_state.diverged(begun).tolist() == [-1, -1]
    state, metrics = step(begun, train_state.Batch({}))
    assert np.isfinite(metrics["loss"]).all() and not np.isfinite(state.params["w"][0])
    assert train_state.diverged(state).tolist() == [0, -1]  # the first step is the last
    assert train_state.diverged(step(state, train_state.Batch({}))[0]).tolist() == [1, -1]
    # statistics count as parameters do, and whole numbers are finite
    spoiled = begun._replace(
        model_state={"mean": jnp.array([[1.0], [np.nan]]), "count": jnp.array([1, 1])},
        step=jnp.array([3, 3]),
    )
    assert train_state.diverged(spoiled).tolist() == [-1, 2]
