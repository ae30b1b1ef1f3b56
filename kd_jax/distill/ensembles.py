"""Ensembles as teachers: the mean prediction of several networks, as logits."""

import numpy as np
from jaxtyping import Float


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


def _log_softmax(z):
    """By hand: importing scipy.special takes a quarter of a second of every start."""
    shifted = z - z.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
