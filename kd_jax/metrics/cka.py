"""How alike two networks see the same inputs: linear centred kernel alignment of their layers."""

import numpy as np


def linear_cka(x, y):
    """CKA(X, Y) = ‖Ycᵀ Xc‖²_F / (‖Xcᵀ Xc‖_F ‖Ycᵀ Yc‖_F), Xc and Yc centred over the examples.

    From 0 to 1; 1 when one is a rotation and scaling of the other. Blind to orthogonal maps and to
    scale, so layers of different widths can be compared. NaN where a layer is constant.

    Args: x [N, …], y [N, …]: two layers' activations on the same N inputs, flattened to [N, D].
    Raises: ValueError when they are of different numbers of inputs.
    Source: Kornblith et al. 2019, arXiv 1905.00414, equation 4 and section 3.
    """
    if len(x) != len(y):
        raise ValueError(f"x has shape {np.shape(x)} and y {np.shape(y)}: expected as many inputs")
    return _alignment(_centred_gram(x), _centred_gram(y))


def between(features, other):
    """Linear CKA of every layer of one network with every layer of another: [len(features), …].

    Args: {name: [N, …]} of both, on the same inputs.
    """
    ours, theirs = ([_centred_gram(x) for x in each.values()] for each in (features, other))
    return np.array([[_alignment(x, y) for y in theirs] for x in ours])


def _alignment(ours, theirs):
    with np.errstate(invalid="ignore"):
        norms = np.linalg.norm(ours) * np.linalg.norm(theirs)
        return float(np.vdot(ours, theirs) / norms)


def _centred_gram(x):
    """Xc Xcᵀ [N, N]; ⟨K, L⟩ of two such is ‖Ycᵀ Xc‖²_F whatever the widths are."""
    x = np.asarray(x, np.float64).reshape(len(x), -1)
    x = x - x.mean(0)
    return x @ x.T
