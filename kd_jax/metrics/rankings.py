"""How well lists of passages are ranked: agreement with given scores, and where the positive is.

Arrays are [N, P]: N queries and the scores of their passages, the positive one first; −∞ in the
given scores says that a list has fewer passages. Of passages with one score the worse order counts.
"""

import numpy as np
from jaxtyping import Float

Scores = Float[np.ndarray, "N P"]
DIGITS = 9  # of scores that are compared: else equal ones differ


def kendall(ours: Scores, theirs: Scores) -> Float[np.ndarray, " N"]:
    """Kendall's τ_b of each query: how alike two sources of scores order its passages.

    (pairs in one order − pairs in the other)/√(pairs that ours tell apart · that theirs do)

    Args:
        ours: Scores of one source.
        theirs: Of the other, which says what passages there are.

    Returns:
        From −1 to 1; 0 where one of them tells no two apart.

    Source:
        Kendall 1945, The Treatment of Ties in Ranking Problems.
    """
    there = theirs > -np.inf
    pairs = (there[:, :, None] & there[:, None]) & np.triu(np.ones((ours.shape[1],) * 2, bool), 1)
    signs = [np.where(pairs, _signs(x, there), 0) for x in (ours, theirs)]
    apart = [np.sum(np.abs(x), (1, 2)) for x in signs]
    found = np.sum(signs[0] * signs[1], (1, 2))
    return found / np.sqrt(np.maximum(apart[0] * apart[1], 1))


def reciprocal_rank(ours: Scores, theirs: Scores) -> Float[np.ndarray, " N"]:
    """1/rank of the positive passage of each query; its mean is MRR.

    Args:
        ours: Scores that passages are ranked by.
        theirs: Says what passages there are.
    """
    rounded = np.round(ours, DIGITS)
    before = (rounded[:, 1:] >= rounded[:, :1]) & (theirs[:, 1:] > -np.inf)
    return 1 / (1 + np.sum(before, 1))


def ndcg(ours: Scores, theirs: Scores) -> Float[np.ndarray, " N"]:
    """Normalized discounted cumulative gain of each query, from 0 to 1.

    Σ_r g_(r)/log2(1 + r) over the passages in our order, divided by the same in theirs; the gain g
    of a passage is its given score less the list's lowest.

    Args:
        ours: Scores that passages are ranked by.
        theirs: The given ones.

    Returns:
        1 also where all given scores of a list are the same.

    Source:
        Järvelin and Kekäläinen 2002, Cumulated Gain-Based Evaluation of IR Techniques.
    """
    there = theirs > -np.inf
    lowest = np.min(np.where(there, theirs, np.inf), 1, keepdims=True)
    gains = np.where(there, theirs - lowest, 0)
    discounts = 1 / np.log2(np.arange(ours.shape[1]) + 2)
    rounded = np.where(there, np.round(ours, DIGITS), -np.inf)
    order = np.lexsort((gains, -rounded), axis=1)
    found = np.take_along_axis(gains, order, 1) @ discounts
    best = -np.sort(-gains, 1) @ discounts
    return np.where(best > 0, found / np.where(best > 0, best, 1), 1.0)


def _signs(scores, there):
    rounded = np.round(np.where(there, scores, 0), DIGITS)
    return np.sign(rounded[:, :, None] - rounded[:, None])
