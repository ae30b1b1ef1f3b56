"""Teachers with part of their knowledge taken away: what is left tells what that part was worth."""

import numpy as np
from scipy import special


def permuted(logits, labels, seed):
    """The teacher's logits with those of the wrong classes shuffled, anew for each example.

    The label's probability and the spread of the rest stay, at every temperature; which wrong
    class resembles the label is lost.

    Args: logits [N, C]; labels [N]; seed of the shuffle. Returns: [N, C].
    Source: Tang et al. 2020, arXiv 2002.03532, section 4 (class relationships).
    """
    wrong = _wrong(logits, labels)
    generator, result = np.random.default_rng(seed), np.array(logits)
    shuffled = generator.permuted(logits[wrong].reshape(len(logits), -1), axis=1)
    result[wrong] = shuffled.ravel()
    return result


def uniform(logits, labels, temperature):
    """The teacher's logits with the mass of the wrong classes at T spread evenly over them.

    v_c ← T log mean_{c′ ≠ y} exp(v_c′/T) for c ≠ y. The label's probability at T stays; what the
    teacher says of the wrong classes is gone, so this is label smoothing fitted to each example.

    Args: logits [N, C]; labels [N]; temperature T > 0, of the students. Returns: [N, C].
    Source: Tang et al. 2020, arXiv 2002.03532, section 4 (example re-weighting).
    """
    wrong, result = _wrong(logits, labels), np.array(logits)
    of_wrong = logits[wrong].reshape(len(logits), -1) / temperature
    mean = special.logsumexp(of_wrong, axis=1, keepdims=True) - np.log(of_wrong.shape[1])
    result[wrong] = np.broadcast_to(temperature * mean, of_wrong.shape).ravel()
    return result


def _wrong(logits, labels):
    """Mask [N, C] of every class but the label."""
    return np.arange(logits.shape[1]) != np.asarray(labels)[:, None]
