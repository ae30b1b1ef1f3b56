"""What every adapter's test asks of a Model with batch norm and dropout, whatever its library."""

import jax
import jax.numpy as jnp
import numpy as np

INPUTS = np.random.default_rng(3).normal(1.0, 2.0, size=(6, 3)).astype(np.float32)
LABELS = np.array([0, 1, 0, 1, 1, 0])
MOMENTUM, EPSILON = 0.8, 1e-3
KEYS = jax.random.split(jax.random.key(5), 2)


def running(mean, variance):
    """Statistics after a step on INPUTS, by hand in float64: r ← 0.8 r + 0.2 of the batch."""
    x = np.float64(INPUTS)
    return (
        MOMENTUM * np.float64(mean) + (1 - MOMENTUM) * x.mean(0),
        MOMENTUM * np.float64(variance) + (1 - MOMENTUM) * x.var(0),
    )


def members_step(model):
    """(variables of two members, their gradients, logits and state after a step), vmapped."""

    def step(key):
        variables = model.init(key)

        def loss(params):
            given = {"params": params, "state": variables["state"]}
            (logits, _), state = model.apply(given, INPUTS, train=True, key=key)
            value = -jax.nn.log_softmax(logits)[jnp.arange(6), LABELS].mean()
            return value, (logits, state)

        gradients, (logits, state) = jax.grad(loss, has_aux=True)(variables["params"])
        return variables, gradients, logits, state

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(step))(KEYS))


def bias_gradient(logits):
    """Of the last bias, by hand: the mean over examples of softmax − one-hot, for each member."""
    shifted = np.exp(np.float64(logits) - logits.max(-1, keepdims=True))
    return (shifted / shifted.sum(-1, keepdims=True) - np.eye(2)[LABELS]).mean(1)


def check_dropout(model, variables):
    """It differs with the key, is the same with the same key, and off where nothing is trained."""
    apply = jax.jit(model.apply, static_argnames="train")

    def logits(**options):
        return np.asarray(apply(variables, INPUTS, **options)[0][0])

    one, other = (logits(train=True, key=key) for key in KEYS)
    assert (one != other).any()
    np.testing.assert_array_equal(one, logits(train=True, key=KEYS[0]))
    np.testing.assert_array_equal(logits(key=KEYS[0]), logits(key=KEYS[1]))
