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
