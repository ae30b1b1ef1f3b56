"""How much two encoders agree on which texts are similar: rank correlations, nearest neighbors."""

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

ROWS = 1024  # compared at a time: all by all may be large


def unit(vectors: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    """Vectors at length 1; those of length 0 as they are.

    Args:
        vectors: Of texts.
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def rank_correlations(
    ours: Float[np.ndarray, "N D"], theirs: Float[np.ndarray, "N E"], *, most: int = 1000
) -> Float[np.ndarray, " N"]:
    """For each text, Spearman's correlation of two encoders' cosines with the other texts.

    Args:
        ours: One encoder's vectors of N texts.
        theirs: The other's.
        most: Of the texts, the first, that each is compared with.

    Returns:
        From −1 to 1: 1 where both order the other texts alike; 0 where one of them tells no two
        apart.

    Source:
        Spearman 1904, The Proof and Measurement of Association between Two Things.
    """
    count, pair = len(ours), [unit(np.asarray(x, np.float64)) for x in (ours, theirs)]
    found = np.zeros(count)
    for start in range(0, count, ROWS):
        rows = np.arange(start, min(start + ROWS, count))
        cosines = [np.round(x[rows] @ x[:most].T, 9) for x in pair]  # else equal ones differ
        own = rows[:, None] == np.arange(cosines[0].shape[1])  # with itself: left out
        ranks = [stats.rankdata(np.where(own, np.nan, x), axis=1, nan_policy="omit")
                 for x in cosines]  # fmt: skip
        found[rows] = _correlations(*(np.where(own, np.nan, x) for x in ranks))
    return found


def _correlations(a, b):
    """Pearson's, row by row, of what is no NaN."""
    a, b = (x - np.nanmean(x, axis=1, keepdims=True) for x in (a, b))
    norms = np.sqrt(np.nansum(a**2, axis=1) * np.nansum(b**2, axis=1))
    return np.nansum(a * b, axis=1) / np.where(norms > 0, norms, np.inf)


def nearest(
    vectors: Float[np.ndarray, "N D"], test_vectors: Float[np.ndarray, "M D"]
) -> Int[np.ndarray, " M"]:
    """The nearest neighbor of each test vector by cosine, in parts that fit into memory.

    Args:
        vectors: To choose from.
        test_vectors: Of whose neighbors these are.

    Returns:
        Rows of `vectors`.
    """
    known, test = unit(vectors), unit(test_vectors)
    parts = [test[n : n + ROWS] for n in range(0, len(test), ROWS)]
    return np.concatenate([np.argmax(part @ known.T, axis=1) for part in parts])
