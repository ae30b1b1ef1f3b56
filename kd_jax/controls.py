"""Teachers with part of their knowledge taken away: what is left tells what that part was worth."""

import numpy as np


def permuted(logits, labels, seed):
    """The teacher's logits with those of the wrong classes shuffled, anew for each example.

    The label's probability and the spread of the rest stay, at every temperature; which wrong
    class resembles the label is lost.

    Args: logits [N, C]; labels [N]; seed of the shuffle. Returns: [N, C].
    Source: Tang et al. 2020, arXiv 2002.03532, section 4 (class relationships).
    """
    generator = np.random.default_rng(seed)
    shuffled = np.array(logits)
    for row, label in zip(shuffled, labels, strict=True):
        others = np.arange(len(row)) != label
        row[others] = generator.permutation(row[others])
    return shuffled
