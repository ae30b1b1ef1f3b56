"""Losses on the scores of a query's passages, as a reranker gives them: MarginMSE.

Notation: s are the student's scores [..., P] of the P passages of one query, t the teacher's; the
first passage is the positive one. A passage whose score of the teacher is −∞ is not there, so that
lists of different lengths stand in one array. The listwise divergence of such scores is
sequence.forward_kl, of which a passage that is not there has −∞ on both sides.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses._arrays import check_logits, mask_rows, mask_values, same_shape


def margin_mse(
    student: Float[Array, "*B P"],
    teacher: Float[Array, "*B P"],
    *,
    where: Bool[Array, "*B"] | None = None,
) -> Float[Array, "*B"]:
    """Squared differences of the signed margins of a positive passage over the others (MarginMSE).

    mean_j ((s_0 − s_j) − (t_0 − t_j))², over the passages j ≥ 1 that are there

    A margin keeps its sign: where the teacher has a passage above the positive one, so shall the
    student.

    Args:
        student: Scores s, the positive passage's first.
        teacher: Scores t, without gradient; −∞: the passage is not there.
        where: True keeps.

    Returns:
        Squared scores; 0 where masked, and without a pair of passages that are there.

    Raises:
        ValueError: If shapes differ or there are fewer than two passages.

    Source:
        Hofstätter et al. 2020, arXiv 2010.02666 (Margin-MSE), of one negative passage; of several
        it is their mean, as in sentence-transformers.
    """
    student, teacher = same_shape(student, teacher)
    check_logits("student", student, classes=2)
    student, teacher = mask_rows(where, student, teacher)
    present = teacher != -jnp.inf
    apart = jnp.where(present, student - teacher, 0)
    pairs = present[..., :1] & present[..., 1:]
    errors = jnp.where(pairs, apart[..., :1] - apart[..., 1:], 0)
    count = jnp.maximum(jnp.sum(pairs, -1), 1).astype(student.dtype)
    return mask_values(where, jnp.sum(errors**2, -1) / count)
