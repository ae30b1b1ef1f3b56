"""The smallest training that several tests share: three seeds, two arms, a line through 20 rows."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import Partial

from kd_jax.runtime.execution import Execution
from kd_jax.storage import checkpoint
from kd_jax.training import loop as train
from kd_jax.training import samplers
from kd_jax.training import state as train_state

ROWS, BATCH, EPOCHS = 20, 5, 6
DATA = {
    "x": np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32),
    "y": np.random.default_rng(1).normal(size=ROWS).astype(np.float32),
}
OPTIMIZER = optax.sgd(0.05, momentum=0.9)
SHUFFLED = samplers.shuffled(jax.random.key(7), ROWS, BATCH)
# The batches of 8 seeds from a table, which compiles in half the time of drawing them.
TABLE = np.random.default_rng(7).permuted(np.tile(np.arange(ROWS), (8, EPOCHS, 1)), axis=-1)
ORDER = Partial(
    lambda table, seed, epoch: table[seed, epoch], jnp.asarray(TABLE).reshape(8, EPOCHS, -1, BATCH)
)
NUMBERS = {"weight": np.array([[1.0, 0.5], [1.0, 0.5], [1.0, 0.5]], np.float32)}


def init(key):
    return train_state.stateless({"w": jax.random.normal(key, (3,)), "b": jnp.zeros(())})


def loss_fn(variables, batch, key):
    params = variables["params"]
    x, y = batch.rows["x"], batch.rows["y"]
    noise = 0.1 * jax.random.key_data(key)[0] / 2.0**32  # random as the key is
    error = x @ params["w"] + params["b"] - y + noise
    loss, metrics = (
        batch.numbers["weight"] * jnp.mean(error**2),
        {"error": jnp.mean(jnp.abs(error))},
    )
    return train_state.Outcome(loss, metrics)


def states(seeds=3, arms=2):
    return train_state.members(init, OPTIMIZER, jax.random.split(jax.random.key(0), seeds), arms)


def fitted(count=3, **options):
    """A training of so many seeds with two arms each."""
    more = {"epochs": EPOCHS, "numbers": {"weight": NUMBERS["weight"][:count]}, **options}
    return train.fit(loss_fn, OPTIMIZER, states(count), DATA, ORDER, **more)


@functools.cache
def whole():
    """What `fitted` gives without options, which most tests compare with."""
    return fitted()


def saved(folder, facts):
    """An Execution that saves after every chunk."""
    return Execution(snapshots=checkpoint.Snapshots(folder, facts, every=0.0))


def assert_same(one, other, **tolerance):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        if tolerance:
            np.testing.assert_allclose(a, b, **tolerance)
        else:
            np.testing.assert_array_equal(a, b)
