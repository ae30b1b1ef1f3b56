"""A problem on which the driver is tried: 300 rows of three classes, a linear teacher, an MLP."""

import jax
import jax.numpy as jnp
import numpy as np

import kd_jax as kd

RANDOM = np.random.default_rng(5)
KERNEL = RANDOM.normal(size=(4, 3)).astype(np.float32)
INPUTS = RANDOM.normal(size=(300, 4)).astype(np.float32)
LOGITS = INPUTS @ KERNEL
LABELS = (LOGITS + RANDOM.normal(size=LOGITS.shape)).argmax(-1).astype(np.int32)
ALL = kd.Split(INPUTS, LABELS)
TRAIN, TEST = (kd.Split(INPUTS[rows], LABELS[rows]) for rows in (slice(200), slice(200, None)))


def init(key):
    first, last = jax.random.split(key)
    return {
        "first": 0.5 * jax.random.normal(first, (4, 6)),
        "last": 0.5 * jax.random.normal(last, (6, 3)),
    }


def apply(params, inputs):
    hidden = jnp.tanh(inputs @ params["first"])
    return hidden @ params["last"], {"hidden": hidden}


STUDENT = kd.Model(init, apply)


def by_numpy(params, inputs):
    """What the student says, in float64."""
    first, last = (np.float64(params["params"][name]) for name in ("first", "last"))
    return np.tanh(np.float64(inputs) @ first) @ last
