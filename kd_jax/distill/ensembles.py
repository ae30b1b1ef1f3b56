"""Several networks as one teacher: the mean of their predictions, as logits."""

import numpy as np
from scipy import special


def arithmetic(logits):
    """log of the mean probability: log 1/M Σ_m softmax(z_m).

    Args: logits [M, N, C] of M networks. Returns: [N, C] float32, log-probabilities.
    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.
    """
    log_p = special.log_softmax(np.asarray(logits, np.float32), -1)
    return special.logsumexp(log_p, 0) - np.float32(np.log(len(log_p)))


def geometric(logits):
    """log of the geometric mean of the probabilities, normalised: log_softmax(1/M Σ_m z_m).

    Args, returns and source: as for `arithmetic`.
    """
    return special.log_softmax(np.mean(logits, 0, dtype=np.float32), -1)
