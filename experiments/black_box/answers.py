"""What a teacher that only answers lets out of its probabilities, as a target for students.

Every answer is a function p [..., C] -> target [..., C], both distributions over C classes. A
student learns it by its cross-entropy at T = 1, −Σ_c target_c log q_c.
"""

import numpy as np


def label(p):
    """The most probable class alone: 1 there, 0 elsewhere; of equal ones the first."""
    p = np.asarray(p)
    return np.eye(p.shape[-1], dtype=p.dtype)[p.argmax(-1)]


def ranked(p, k):
    """The k most probable classes in order, without their probabilities: 1/r for rank r.

    target = (1/r)/Σ_{i≤k} 1/i for the class of rank r ≤ k, else 0. Which weights the ranks have is
    the student's guess, as nothing is said of them.
    Raises: ValueError unless 1 ≤ k ≤ C.
    """
    rank = _ranks(p, k)
    weights = np.where(rank <= k, 1 / rank, 0)
    return (weights / weights.sum(-1, keepdims=True)).astype(np.asarray(p).dtype)


def likeliest(p, k):
    """The k most probable classes with their probabilities, the rest of the mass spread evenly.

    target_c = p_c for the k largest, (1 − Σ of those)/(C − k) for the others; nothing is
    renormalised, as a student can infer what is left.
    Raises: ValueError unless 1 ≤ k ≤ C.
    """
    p = np.asarray(p)
    told = _ranks(p, k) <= k
    rest = np.maximum(1 - np.where(told, p, 0).sum(-1, keepdims=True), 0)
    return np.where(told, p, rest / max(p.shape[-1] - k, 1)).astype(p.dtype)


def rounded(p, decimals):
    """Probabilities rounded to so many decimals, then divided by their sum.

    Raises: ValueError where all of a row could round to zero: 10^−decimals/2 must be below 1/C.
    """
    p = np.asarray(p)
    if not 0.5 * 10.0**-decimals < 1 / p.shape[-1]:
        raise ValueError(f"{decimals} decimals may leave none of {p.shape[-1]} probabilities")
    kept = np.round(p, decimals)
    return kept / kept.sum(-1, keepdims=True)


def everything(p):
    """All probabilities as they are."""
    return np.asarray(p)


def as_logits(target):
    """Finite logits whose softmax is the target, a zero becoming less than 10^−37.

    With them losses.soft_targets at T = 1 is the target's cross-entropy less its entropy, which is
    a constant: the same gradient.
    """
    target = np.asarray(target, np.float32)
    return np.log(np.maximum(target, np.finfo(np.float32).tiny))


def _ranks(p, k):
    """Ranks [..., C] of the probabilities, 1 for the largest; of equal ones the first is lower."""
    p = np.asarray(p)
    if not 1 <= k <= p.shape[-1]:
        raise ValueError(f"k is {k}: expected 1 to {p.shape[-1]}")
    return 1 + np.argsort(np.argsort(-p, -1, kind="stable"), -1, kind="stable")
