"""Bias correction for classes that are missing or too frequent in the transfer set.

The correction adds one number to the logits of the chosen classes after training. Three ways to
choose it: without labels, on a validation split, or on the test set as the paper did.
Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 3.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy import optimize, special

SHIFTS = np.arange(-10.0, 10.01, 0.25)  # in logits: those that are tried


def shifted(
    logits: Float[np.ndarray, "N C"], classes: Sequence[int], shift: float
) -> Float[np.ndarray, "N C"]:
    """The logits with `shift` added to those of some classes: z_c ← z_c + shift, c ∈ classes.

    Args:
        logits: [N, C].
        classes: class numbers.
        shift: in logits.

    Returns:
        [N, C], in double precision.
    """
    result = np.array(logits, np.float64)
    result[:, list(classes)] += shift
    return result


def match_prior(
    logits: Float[np.ndarray, "N C"], classes: Sequence[int], prior: float, *, bound: float = 50.0
) -> float:
    """The shift at which the mean probability of some classes is their prior; needs no label.

    Solves mean_n Σ_{c ∈ classes} softmax(z_n + shift)_c = prior, whose left side grows with the
    shift.

    Args:
        logits: [N, C], of unlabeled inputs.
        classes: class numbers, which share one shift.
        prior: their share of the inputs, in (0, 1).
        bound: how large the shift may be.

    Returns:
        The shift, in logits, within ±bound.
    """

    def excess(shift):
        probabilities = special.softmax(shifted(logits, classes, shift), -1)
        return probabilities[:, list(classes)].sum(-1).mean() - prior

    if excess(-bound) > 0 or excess(bound) < 0:
        return -bound if excess(-bound) > 0 else bound
    return float(optimize.brentq(excess, -bound, bound, xtol=1e-4))


def errors_by_shift(
    logits: Float[np.ndarray, "N C"],
    labels: Int[np.ndarray, " N"],
    classes: Sequence[int],
    shifts: Float[np.ndarray, " n"],
) -> Int[np.ndarray, " n"]:
    """Errors at every shift of some classes.

    Args:
        logits: [N, C].
        labels: [N].
        classes: class numbers, which share one shift.
        shifts: [n], in logits.

    Returns:
        The number of errors at each, [n].
    """
    return np.array([
        (shifted(logits, classes, shift).argmax(-1) != labels).sum() for shift in shifts
    ])  # fmt: skip


def best_shift(
    logits: Float[np.ndarray, "N C"],
    labels: Int[np.ndarray, " N"],
    classes: Sequence[int],
    shifts: Float[np.ndarray, " n"],
) -> float:
    """The shift with the fewest errors; of several, the middle one.

    Args:
        logits: [N, C].
        labels: [N].
        classes: class numbers, which share one shift.
        shifts: [n], in logits, those that are tried.

    Returns:
        One of the shifts.
    """
    errors = errors_by_shift(logits, labels, classes, shifts)
    best = np.flatnonzero(errors == errors.min())
    return float(shifts[best[(len(best) - 1) // 2]])


def three_ways(
    unlabeled: Float[np.ndarray, "N C"],
    validation: tuple[Float[np.ndarray, "V C"], Int[np.ndarray, " V"]],
    test: tuple[Float[np.ndarray, "M C"], Int[np.ndarray, " M"]],
    classes: Sequence[int],
    prior: float,
    shifts: Float[np.ndarray, " n"] = SHIFTS,
) -> dict[str, float]:
    """One network's shift chosen without labels, on a validation split, and on the test set.

    Args:
        unlabeled: logits of any inputs.
        validation: logits and labels.
        test: logits and labels.
        classes: class numbers, which share one shift.
        prior: their share of the inputs.
        shifts: those that are tried on validation and test.

    Returns:
        {way: shift}, for "label-free", "on validation" and "on test, as in the paper".
    """

    def best(logits, labels):
        return best_shift(logits, labels, classes, shifts)

    return {
        "label-free": match_prior(unlabeled, classes, prior),
        "on validation": best(*validation),
        "on test, as in the paper": best(*test),
    }
