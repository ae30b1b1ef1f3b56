"""Networks that train one after the other: what each one draws follows from the key it is given."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax.training import samplers, sequential
from kd_jax.training.state import Outcome

STEPS = 3


def test_what_a_network_draws_follows_from_the_key_and_its_seed():
    def loss(variables, batch, key):  # its gradient is what was drawn
        drawn = variables["params"]["w"] * jax.random.normal(key)
        return Outcome(drawn + 0 * jnp.sum(batch.rows["x"]))

    start, data = {"w": np.float32(0)}, {"x": np.zeros((2 * STEPS, 1), np.float32)}
    sampler = samplers.shuffled(jax.random.key(1), 2 * STEPS, 2)
    training = sequential.Sequential(
        loss, optax.sgd(1.0), start, data, sampler, jax.random.key(5), epochs=1
    )
    for seed in (0, 3):
        own = jax.random.fold_in(jax.random.key(5), seed)
        drawn = [jax.random.normal(jax.random.fold_in(own, step)) for step in range(STEPS)]
        found = training.fit(start, seed, label="test").params["w"]
        np.testing.assert_allclose(found, -np.sum(drawn), rtol=1e-5)
