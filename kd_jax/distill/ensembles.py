"""Ensembles as teachers: the mean prediction of several networks, as logits."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from kd_jax.models import Model


def arithmetic_mean(logits: Float[np.ndarray, "M N C"]) -> Float[np.ndarray, "N C"]:
    """Log of the mean probability of M networks: log 1/M Σ_m softmax(z_m).

    Args:
        logits: z_m of the networks.

    Returns:
        Log-probabilities in float32, which serve as a teacher's logits.

    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.
    """
    log_p = _log_softmax(np.asarray(logits, np.float32))
    return np.logaddexp.reduce(log_p, 0) - np.float32(np.log(len(log_p)))


def geometric_mean(logits: Float[np.ndarray, "M N C"]) -> Float[np.ndarray, "N C"]:
    """Log of the geometric mean of M networks' probabilities, normalized: log_softmax(1/M Σ_m z_m).

    Args:
        logits: z_m of the networks.

    Returns:
        Log-probabilities in float32, which serve as a teacher's logits.

    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.
    """
    return _log_softmax(np.mean(logits, 0, dtype=np.float32))


@functools.lru_cache(maxsize=8)  # so that trainings that ask one share their programs
def as_model(model: Model, members: int) -> Model:
    """Networks that are alike as one Model, whose logits are `arithmetic_mean` of theirs.

    Args:
        model: Of each.
        members: M, how many; the variables are theirs, stacked [M, …].
    """

    def apply(variables, inputs, train=False, key=None):
        each = jax.vmap(lambda one: model.logits(one, inputs))(variables)
        log_p = jax.nn.log_softmax(each.astype(jnp.float32))
        return (jax.nn.logsumexp(log_p, axis=0) - jnp.log(members), {}), variables["state"]

    return Model(lambda key: jax.vmap(model.init)(jax.random.split(key, members)), apply)


def _log_softmax(z):
    """By hand: importing scipy.special takes a quarter of a second of every start."""
    shifted = z - z.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
