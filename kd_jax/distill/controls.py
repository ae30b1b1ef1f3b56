"""Control teachers: logits without class similarities, to tell what those are worth to students."""

import numpy as np
from jaxtyping import Bool, Float, Int


def permuted(
    logits: Float[np.ndarray, "N C"], labels: Int[np.ndarray, " N"], seed: int
) -> Float[np.ndarray, "N C"]:
    """The teacher's logits with those of the wrong classes shuffled, anew for each example.

    The label's probability and the spread of the rest stay, at every temperature; which wrong
    class resembles the label is lost.

    Args:
        logits: [N, C].
        labels: [N].
        seed: of the shuffle.

    Returns:
        [N, C].

    Source: Tang et al. 2020, arXiv 2002.03532, section 4 (class relationships).
    """
    wrong = _wrong_classes(logits, labels)
    generator, result = np.random.default_rng(seed), np.array(logits)
    shuffled = generator.permuted(logits[wrong].reshape(len(logits), -1), axis=1)
    result[wrong] = shuffled.ravel()
    return result


def uniform(
    logits: Float[np.ndarray, "N C"], labels: Int[np.ndarray, " N"], temperature: float
) -> Float[np.ndarray, "N C"]:
    """The teacher's logits with the mass of the wrong classes at T spread evenly over them.

    v_c ← T log mean_{c′ ≠ y} exp(v_c′/T) for c ≠ y. The label's probability at T stays and the
    wrong classes are all alike, so this is label smoothing fitted to each example.

    Args:
        logits: [N, C].
        labels: [N].
        temperature: T > 0, of the students.

    Returns:
        [N, C].

    Source: Tang et al. 2020, arXiv 2002.03532, section 4 (example re-weighting).
    """
    wrong, result = _wrong_classes(logits, labels), np.array(logits)
    of_wrong = logits[wrong].reshape(len(logits), -1) / temperature
    mean = np.logaddexp.reduce(of_wrong, axis=1, keepdims=True) - np.log(of_wrong.shape[1])
    result[wrong] = np.broadcast_to(temperature * mean, of_wrong.shape).ravel()
    return result


def _wrong_classes(
    logits: Float[np.ndarray, "N C"], labels: Int[np.ndarray, " N"]
) -> Bool[np.ndarray, "N C"]:
    """Mask of every class but the label."""
    return np.arange(logits.shape[1]) != np.asarray(labels)[:, None]
