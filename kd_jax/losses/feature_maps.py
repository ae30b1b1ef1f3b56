"""Losses on summaries of feature maps: attention transfer, FSP flow, neuron selectivity.

Channels or positions are summed out before comparing, so that student and teacher need not agree
in them. Maps are NHWC; the result is one value per example. Where two heights or two widths
differ, each is averaged adaptively to the smaller (as in review_pyramid).
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kd_jax.losses._arrays import check_full, detached, mask_rows, mask_values, promoted, same_batch
from kd_jax.losses._math import einsum, flat, lowered, norm, pool_to_smaller, unit
from kd_jax.losses._numbers import static_int
from kd_jax.losses._scales import exponent, rescaled


def _maps(student: Array, teacher: Array, where: Bool[Array, " B"] | None) -> tuple[Array, ...]:
    student, teacher = same_batch(student, teacher)
    check_full("student", student, rank=4)
    check_full("teacher", teacher, rank=4)
    return mask_rows(where, student, teacher)


def attention_transfer(
    student: Float[Array, "B H W C"],
    teacher: Float[Array, "B h w c"],
    *,
    power: int = 2,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Mean squared difference of spatial attention maps, as unit vectors (AT).

    mean over positions of (Q_s/‖Q_s‖ − Q_t/‖Q_t‖)², Q = the mean over channels of x^n, flattened

    An odd power keeps the sign of x. A map Q no longer than 1e-12 counts as one of zeros, which
    stays zero.

    Args:
        student: Maps s.
        teacher: Maps t, without gradient.
        power: n, the paper's p, a whole number ≥ 1; static.
        where: True keeps.

    Returns:
        Numbers without units; 0 where masked.

    Raises:
        ValueError: If batches differ, there are other than 4 axes, or power is below 1.

    Source:
        Zagoruyko and Komodakis 2017, arXiv 1612.03928, the authors' code, as in RepDistiller and
        mdistiller. The paper's equation 2 is attention_transfer_paper. Some codes add 1e-6 to the
        norm.
    """
    power = static_int("power", power, 1)
    maps = (lowered(x, 2.0 ** (32 / power), (1, 2, 3)) for x in _maps(student, teacher, where))
    q_s, q_t = (unit(flat(jnp.mean(x**power, -1))) for x in pool_to_smaller(*maps))
    return mask_values(where, jnp.mean((q_s - q_t) ** 2, -1))


def attention_transfer_paper(
    student: Float[Array, "B H W C"],
    teacher: Float[Array, "B H W c"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Distance of spatial attention maps as unit vectors, as the paper's equation has it (AT).

    ‖Q_s/‖Q_s‖ − Q_t/‖Q_t‖‖, not squared, Q = Σ_c x_c² flattened

    The gradient at equal maps, where the distance has a kink, is 0. Nothing is pooled.

    Args:
        student: Maps s.
        teacher: Maps t, without gradient.
        where: True keeps.

    Returns:
        Numbers without units, between 0 and √2; 0 where masked.

    Raises:
        ValueError: If batches, heights or widths differ, or there are other than 4 axes.

    Source:
        Zagoruyko and Komodakis 2017, arXiv 1612.03928, equation 2 (without β/2), p = 2.
        torchdistill has it as mode "paper".
    """
    student, teacher = _maps(student, teacher, where)
    if student.shape[:3] != teacher.shape[:3]:
        raise ValueError(
            f"student has shape {student.shape} and teacher {teacher.shape}: "
            "they may differ in channels only"
        )
    maps = (lowered(x, 2.0**16, (1, 2, 3)) for x in (student, teacher))
    q_s, q_t = (unit(flat(jnp.sum(x**2, -1))) for x in maps)
    return mask_values(where, norm(q_s - q_t))


def _flow_matrix(first: Array, second: Array) -> Float[Array, "B I J"]:
    first, second = pool_to_smaller(first, second)
    return einsum("bhwi,bhwj->bij", first, second) / (first.shape[1] * first.shape[2])


def flow(
    student_first: Float[Array, "B _ _ I"],
    student_second: Float[Array, "B _ _ J"],
    teacher_first: Float[Array, "B _ _ I"],
    teacher_second: Float[Array, "B _ _ J"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Mean squared difference of the flow (FSP) matrices of two layers.

    mean over (i, j) of (G_s − G_t)², G_ij = mean over positions of first_i · second_j

    G is the paper's FSP matrix. The larger of the two layers is averaged to the smaller.

    Args:
        student_first: An earlier layer of the student, of any height and width.
        student_second: A later layer of the student.
        teacher_first: An earlier layer of the teacher, without gradient.
        teacher_second: A later layer of the teacher, without gradient.
        where: True keeps.

    Returns:
        Features to the fourth power; 0 where masked.

    Raises:
        ValueError: If batches or channels differ, or there are other than 4 axes.

    Source:
        Yim et al. 2017, "A gift from knowledge distillation" (CVPR), equations 1 and 2, with a
        mean over entries, as in RepDistiller, where the paper sums. torchdistill pools by the
        maximum and sums column norms instead: another loss.
    """
    student = [promoted(x) for x in (student_first, student_second)]
    teacher = [detached(x) for x in (teacher_first, teacher_second)]
    for name, x in zip(("first", "second") * 2, student + teacher):
        check_full(name, x, rank=4)
    shapes = [x.shape for x in student], [x.shape for x in teacher]
    batches = {x.shape[0] for x in student + teacher}
    if len(batches) > 1 or any(s[-1] != t[-1] for s, t in zip(*shapes)):
        raise ValueError(
            f"student has shapes {shapes[0]} and teacher {shapes[1]}: "
            "expected one batch, and the same channels in each of the two layers"
        )
    ours, theirs = (mask_rows(where, *x) for x in (student, teacher))
    first, second = (exponent(*pair, axis=(1, 2, 3)) for pair in zip(ours, theirs))
    total = (2 * (first + second)).reshape(-1)  # it is of degree 2 in each
    values = rescaled(_flow, (*ours, *theirs), (first, second) * 2, total)
    return mask_values(where, values)


def _flow(student_first, student_second, teacher_first, teacher_second):
    g_s = _flow_matrix(student_first, student_second)
    g_t = _flow_matrix(teacher_first, teacher_second)
    return jnp.mean(flat((g_s - g_t) ** 2), -1)


def neuron_selectivity(
    student: Float[Array, "B H W C"],
    teacher: Float[Array, "B h w c"],
    *,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Squared maximum mean discrepancy of channel maps, as two sets of unit vectors (NST).

    mean k(t, t') + mean k(s, s') − 2 mean k(s, t) over pairs of channels, k(a, b) = (a·b)²

    Each channel is a vector over positions divided by its norm; a dead channel is the zero vector.

    Args:
        student: Maps s.
        teacher: Maps t, without gradient.
        where: True keeps.

    Returns:
        Numbers ≥ 0 without units; 0 where masked.

    Raises:
        ValueError: If batches differ or there are other than 4 axes.

    Source:
        Huang and Wang 2017, arXiv 1707.01219 (NST), the polynomial kernel with d = 2 and c = 0, as
        in RepDistiller and mdistiller; without the paper's λ/2.
    """
    student, teacher = pool_to_smaller(*_maps(student, teacher, where))
    s, t = (unit(x.reshape(x.shape[0], -1, x.shape[-1]), axis=1) for x in (student, teacher))

    def kernel(a, b):
        return jnp.mean(einsum("bpi,bpj->bij", a, b) ** 2, (1, 2))

    return mask_values(where, kernel(t, t) + kernel(s, s) - 2 * kernel(s, t))
