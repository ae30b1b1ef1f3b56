"""Restricted teacher outputs (hard label, top-k, rounded probabilities) as student targets.

Every output is a function p [..., C] -> target [..., C], both distributions over C classes. A
student learns it by its cross-entropy at T = 1, −Σ_c target_c log q_c.
"""

import numpy as np
from jaxtyping import Float

Probabilities = Float[np.ndarray, "... C"]


def hard_label(p: Probabilities) -> Probabilities:
    """The most probable class alone: 1 there, 0 elsewhere; of equal ones the first."""
    p = np.asarray(p)
    return np.eye(p.shape[-1], dtype=p.dtype)[p.argmax(-1)]


def ranked(p: Probabilities, k: int) -> Probabilities:
    """The k most probable classes in order, without their probabilities: 1/r for rank r.

    target = (1/r)/Σ_{i≤k} 1/i for the class of rank r ≤ k, else 0. Which weights the ranks have is
    the student's guess, as they are not part of the output.

    Raises:
        ValueError: not 1 ≤ k ≤ C.
    """
    rank = _ranks(p, k)
    weights = np.where(rank <= k, 1 / rank, 0)
    return (weights / weights.sum(-1, keepdims=True)).astype(np.asarray(p).dtype)


def top_k(p: Probabilities, k: int) -> Probabilities:
    """The k most probable classes with their probabilities, the rest of the mass spread evenly.

    target_c = p_c for the k largest, (1 − Σ of those)/(C − k) for the others; nothing is
    renormalized, as a student can infer the mass that is left.

    Raises:
        ValueError: not 1 ≤ k ≤ C.
    """
    p = np.asarray(p)
    known = _ranks(p, k) <= k
    rest = np.maximum(1 - np.where(known, p, 0).sum(-1, keepdims=True), 0)
    return np.where(known, p, rest / max(p.shape[-1] - k, 1)).astype(p.dtype)


def rounded(p: Probabilities, decimals: int) -> Probabilities:
    """Probabilities rounded to so many decimals, then divided by their sum.

    Raises:
        ValueError: all of a row could round to zero, as 10^−decimals/2 is not below 1/C.
    """
    p = np.asarray(p)
    if not 0.5 * 10.0**-decimals < 1 / p.shape[-1]:
        raise ValueError(f"{decimals} decimals may leave none of {p.shape[-1]} probabilities")
    left = np.round(p, decimals)
    return left / left.sum(-1, keepdims=True)


def probabilities(p: Probabilities) -> Probabilities:
    """All probabilities as they are."""
    return np.asarray(p)


def _ranks(p, k):
    """Ranks [..., C] of the probabilities, 1 for the largest; of equal ones the first is lower."""
    p = np.asarray(p)
    if not 1 <= k <= p.shape[-1]:
        raise ValueError(f"k is {k}: expected 1 to {p.shape[-1]}")
    return 1 + np.argsort(np.argsort(-p, -1, kind="stable"), -1, kind="stable")
