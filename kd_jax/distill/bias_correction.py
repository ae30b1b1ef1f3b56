"""Correcting the learned bias of classes that the transfer set had too few or too many of.

The correction adds one number to the logits of the chosen classes after training. Three ways to
choose it: without labels, on a validation split, or on the test set as the paper did.
Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 3.
"""

import numpy as np
from scipy import optimize, special


def shifted(logits, classes, shift):
    """The logits [N, C] with `shift` added to those of `classes`."""
    result = np.array(logits, np.float64)
    result[:, list(classes)] += shift
    return result


def match_prior(logits, classes, prior, *, bound=50.0):
    """The shift at which the mean probability of `classes` is `prior`; needs no label.

    Solves mean_n Σ_{c ∈ classes} softmax(z_n + shift)_c = prior, whose left side grows with the
    shift. Args: logits [N, C] of unlabelled inputs; prior in (0, 1). Returns: the shift, within
    ±bound.
    """

    def excess(shift):
        probabilities = special.softmax(shifted(logits, classes, shift), -1)
        return probabilities[:, list(classes)].sum(-1).mean() - prior

    if excess(-bound) > 0 or excess(bound) < 0:
        return -bound if excess(-bound) > 0 else bound
    return float(optimize.brentq(excess, -bound, bound, xtol=1e-4))


def errors_by_shift(logits, labels, classes, shifts):
    """Errors at every shift: [len(shifts)]."""
    return np.array([
        (shifted(logits, classes, shift).argmax(-1) != labels).sum() for shift in shifts
    ])  # fmt: skip


def best_shift(logits, labels, classes, shifts):
    """The shift with the fewest errors; of several, the middle one."""
    errors = errors_by_shift(logits, labels, classes, shifts)
    best = np.flatnonzero(errors == errors.min())
    return float(shifts[best[(len(best) - 1) // 2]])


def three_ways(unlabelled, validation, test, classes, prior, shifts):
    """{way: shift} of one network: without labels, on a validation split, on the test set.

    Args: unlabelled: logits [N, C]; validation, test: (logits, labels); prior: the share of
      `classes`; shifts: those that are tried on validation and test.
    """

    def best(logits, labels):
        return best_shift(logits, labels, classes, shifts)

    return {
        "label-free": match_prior(unlabelled, classes, prior),
        "on validation": best(*validation),
        "on test, as the paper": best(*test),
    }
