"""Similarity of representations: linear centered kernel alignment (CKA) of layers."""

import numpy as np
from jaxtyping import Float


def linear_cka(x: Float[np.ndarray, " N *D"], y: Float[np.ndarray, " N *E"]) -> float:
    """Linear centered kernel alignment of two layers.

    CKA(X, Y) = ‖Ycᵀ Xc‖²_F / (‖Xcᵀ Xc‖_F ‖Ycᵀ Yc‖_F), Xc and Yc centered over the examples

    From 0 to 1; 1 if one is a rotation and scaling of the other. Blind to orthogonal maps and to
    scale, so layers of different widths can be compared. NaN where a layer is constant.

    Args:
        x: X, one layer's activations on N inputs.
        y: Y, another layer's on the same inputs.

    Returns:
        The alignment.

    Raises:
        ValueError: If they are of different numbers of inputs.

    Source:
        Kornblith et al. 2019, arXiv 1905.00414, equation 4 and section 3.
    """
    if len(x) != len(y):
        raise ValueError(f"x has shape {np.shape(x)} and y {np.shape(y)}: expected as many inputs")
    return _alignment(_centered_gram(x), _centered_gram(y))


def layerwise_cka(
    features: dict[str, Float[np.ndarray, "N ..."]], other: dict[str, Float[np.ndarray, "N ..."]]
) -> Float[np.ndarray, "layers others"]:
    """Linear CKA of every layer of one network with every layer of another.

    Args:
        features: Activations by layer.
        other: Those of the other network on the same inputs.

    Returns:
        The alignments, a row for each layer of `features`.
    """
    ours, theirs = ([_centered_gram(x) for x in each.values()] for each in (features, other))
    return np.array([[_alignment(x, y) for y in theirs] for x in ours])


def _alignment(ours: Float[np.ndarray, "N N"], theirs: Float[np.ndarray, "N N"]) -> float:
    with np.errstate(invalid="ignore"):
        norms = np.linalg.norm(ours) * np.linalg.norm(theirs)
        return float(np.vdot(ours, theirs) / norms)


def _centered_gram(x: Float[np.ndarray, " N *D"]) -> Float[np.ndarray, "N N"]:
    """Xc Xcᵀ; ⟨K, L⟩ of two such is ‖Ycᵀ Xc‖²_F whatever the widths are."""
    x = np.asarray(x, np.float64).reshape(len(x), -1)
    exponent = np.frexp(np.abs(x).max(initial=0))[1]
    x = np.ldexp(x, -exponent)  # exact; the products neither overflow nor vanish
    with np.errstate(invalid="ignore"):
        x = x - x[:1]  # what is constant is then exactly, not nearly, zero
        x = x - x.mean(0)
        return x @ x.T
