"""Contrastive representation distillation (CRD) with memory banks that the caller holds.

Notation: s_i is the student's embedding of example i, t_i the teacher's, unit vectors [B, D]
(models.projectors.Embedding); m^s and m^t are the banks [N, D], one row per example of the data
set; τ the temperature. The banks are state: contrastive reads them, update_bank returns new ones.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kd_jax.losses._arrays import (
    check_full,
    check_range,
    detached,
    full_mask,
    mask_rows,
    mask_values,
    same_shape,
)
from kd_jax.losses._math import einsum, unit
from kd_jax.losses._numbers import Scalar, check_fraction, check_positive, check_temperature


def _check_indices(
    indices: Array | np.ndarray,
    bank: Float[Array, "N D"],
    rank: int,
    where: Bool[Array, " B"] | None,
) -> Int[Array, "..."]:
    """Integer rows of `bank`; ValueError where they cannot be that."""
    if not isinstance(indices, jax.core.Tracer):
        indices = np.asarray(indices)
    if not jnp.issubdtype(indices.dtype, jnp.integer) or indices.ndim != rank:
        raise ValueError(
            f"indices have dtype {indices.dtype} and shape {indices.shape}: "
            f"expected integers and {rank} axes"
        )
    check_range("indices of the bank's rows", indices, bank.shape[0], where)
    return jnp.asarray(indices)


def _check_banks(
    embeddings: Float[Array, "B D"],
    banks: Sequence[Array],
    indices: Array,
    where: Bool[Array, " B"] | None,
) -> tuple[list[Float[Array, "N D"]], Int[Array, "B K1"]]:
    """Banks and indices that fit the embeddings, or a ValueError that names the shapes."""
    check_full("student", embeddings, rank=2)
    banks = [detached(bank) for bank in banks]
    for bank in banks:
        check_full("bank", bank, rank=2)
        if bank.shape != banks[0].shape or bank.shape[1] != embeddings.shape[1]:
            raise ValueError(
                f"student has shape {embeddings.shape} and the banks "
                f"{[b.shape for b in banks]}: expected [B, D] and two of [N, D]"
            )
    indices = _check_indices(indices, banks[0], rank=2, where=where)
    if indices.shape[0] != embeddings.shape[0] or indices.shape[1] == 0:
        raise ValueError(
            f"indices have shape {indices.shape} and student {embeddings.shape}: "
            "expected [B, 1 + K] and [B, D]"
        )
    return banks, indices


def _scores(
    embeddings: Float[Array, "B D"],
    bank: Float[Array, "N D"],
    indices: Int[Array, "B K1"],
    temperature: Scalar,
) -> Float[Array, "B K1"]:
    """v·m/τ of each embedding and its rows of the bank, [B, 1 + K]."""
    rows = jnp.take(bank, indices, axis=0, mode="clip")
    return einsum("bd,bkd->bk", embeddings, rows) / temperature


def _log_constant(
    scores: Float[Array, "B K1"], where: Bool[Array, " B"] | None, size: int
) -> Float[Array, ""]:
    """log Z = log(N · mean exp(v·m/τ)) over the kept rows, a constant for the gradient."""
    scores = jax.lax.stop_gradient(scores)
    kept = full_mask(where, scores.shape[:1])[:, None]
    count = jnp.maximum(jnp.sum(kept) * scores.shape[1], 1)
    peak = jnp.max(scores)
    total = jnp.sum(jnp.where(kept, jnp.exp(scores - peak), 0))
    return jnp.log(jnp.where(total > 0, total, 1) * size / count) + peak


def _noise_contrast(log_x: Float[Array, "B K1"], size: int) -> Float[Array, " B"]:
    """−[log x_0/(x_0 + c) + Σ_k log (K/N)/(x_k + c)] per row, c = K/N + 1e-7, from log x."""
    negatives = log_x.shape[-1] - 1
    noise = jnp.asarray(negatives / size, log_x.dtype)
    both = jnp.logaddexp(log_x, jnp.log(noise + 1e-7))
    # With K = 0 there is no second sum, and its log 0 is multiplied away.
    log_noise = jnp.log(noise) if negatives else 0.0
    return jnp.sum(both, -1) - log_x[:, 0] - negatives * log_noise


def contrastive_constants(
    student: Float[Array, "B D"],
    teacher: Float[Array, "B D"],
    student_bank: Float[Array, "N D"],
    teacher_bank: Float[Array, "N D"],
    indices: Int[Array, "B K1"],
    *,
    temperature: Scalar = 0.07,
    where: Bool[Array, " B"] | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The two normalizing constants Z of `contrastive`, estimated from one batch.

    Z = N · mean over the batch and its K + 1 candidates of exp(v·m/τ)

    CRD fixes them at the first batch: call this once and hand both to every later `contrastive`.

    Args:
        student: As in `contrastive`, and so are the others.
        teacher: Embeddings t.
        student_bank: m^s.
        teacher_bank: m^t.
        indices: Rows of the banks, the example itself in column 0.
        temperature: The paper's τ, above 0.
        where: True keeps.

    Returns:
        (z_student, z_teacher), without gradient.

    Raises:
        ValueError: As `contrastive`.

    Source:
        Tian, Krishnan and Isola 2020, arXiv 1910.10699; RepDistiller's ContrastMemory.
    """
    temperature = check_temperature(temperature)
    student, teacher = (detached(x) for x in same_shape(student, teacher))
    banks, indices = _check_banks(student, (student_bank, teacher_bank), indices, where)
    student, teacher = mask_rows(where, student, teacher)
    size = banks[0].shape[0]
    against = (student, banks[1]), (teacher, banks[0])
    z_student, z_teacher = (
        jnp.exp(_log_constant(_scores(v, bank, indices, temperature), where, size))
        for v, bank in against
    )
    return z_student, z_teacher


def contrastive(
    student: Float[Array, "B D"],
    teacher: Float[Array, "B D"],
    student_bank: Float[Array, "N D"],
    teacher_bank: Float[Array, "N D"],
    indices: Int[Array, "B K1"],
    *,
    temperature: Scalar = 0.07,
    z_student: Scalar | None = None,
    z_teacher: Scalar | None = None,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, " B"]:
    """Noise-contrastive estimation: an example's teacher embedding against K others' (CRD).

    −log x_0/(x_0 + c) − Σ_{k=1}^{K} log (K/N)/(x_k + c), c = K/N + 1e-7, x_k = exp(v·m_k/τ)/Z

    Once v = s, m is from the teacher's bank and Z = `z_student`; once v = t, m is from the
    student's bank and Z = `z_teacher`; both are added. Only the first has a gradient: to train the
    teacher's embedding too, as CRD does, add the call with the two sides swapped (and detached
    features before the teacher's embedding): each call has the same value and one of the two
    gradients.

    Args:
        student: Embeddings s.
        teacher: Embeddings t, without gradient.
        student_bank: m^s, without gradient.
        teacher_bank: m^t, without gradient.
        indices: Rows of the banks, [B, 1 + K], the example itself in column 0; one known only at
            run time that is outside [0, N) counts as the nearest row.
        temperature: The paper's τ, above 0.
        z_student: Z of the first term, above 0; None: from this batch (contrastive_constants).
        z_teacher: Z of the second term, likewise.
        where: True keeps.

    Returns:
        Nats; 0 where masked.

    Raises:
        ValueError: If shapes do not fit, indices are outside [0, N), or temperature or z ≤ 0.

    Source:
        Tian, Krishnan and Isola 2020, arXiv 1910.10699 (CRD), as RepDistiller computes it; from
        log x, so that a small τ does not overflow.
    """
    temperature = check_temperature(temperature)
    student, teacher = same_shape(student, teacher)
    banks, indices = _check_banks(student, (student_bank, teacher_bank), indices, where)
    student, teacher = mask_rows(where, student, teacher)
    size, parts = banks[0].shape[0], []
    for v, bank, z in (student, banks[1], z_student), (teacher, banks[0], z_teacher):
        scores = _scores(v, bank, indices, temperature)
        if z is None:
            log_z = _log_constant(scores, where, size)
        else:
            log_z = jnp.log(detached(check_positive("z", z)))
        parts.append(_noise_contrast(scores - log_z, size))
    return mask_values(where, parts[0] + parts[1])


def update_bank(
    bank: Float[Array, "N D"],
    indices: Int[Array, " B"],
    embeddings: Float[Array, "B D"],
    *,
    momentum: Scalar = 0.5,
    where: Bool[Array, " B"] | None = None,
) -> Float[Array, "N D"]:
    """Memory bank with this batch's rows moved towards their new embeddings; not a loss.

    m_i ← (μ m_i + (1 − μ) v_i)/‖μ m_i + (1 − μ) v_i‖, for the rows `indices` alone

    If an index stands twice, one of the two is written; which one is not defined.

    Args:
        bank: m, one row per example of the data set.
        indices: The batch's own rows (column 0 of those of `contrastive`); one known only at run
            time that is outside [0, N) writes nothing.
        embeddings: v.
        momentum: μ, in [0, 1].
        where: True keeps; the others write nothing.

    Returns:
        The new bank, without gradient.

    Raises:
        ValueError: If shapes do not fit, indices are outside [0, N), or momentum outside [0, 1].

    Source:
        Tian, Krishnan and Isola 2020, arXiv 1910.10699; RepDistiller's ContrastMemory.
    """
    momentum = check_fraction("momentum", momentum)
    bank, embeddings = detached(bank), detached(embeddings)
    check_full("bank", bank, rank=2)
    indices = _check_indices(indices, bank, rank=1, where=where)
    if embeddings.shape != (*indices.shape, bank.shape[1]):
        raise ValueError(
            f"embeddings have shape {embeddings.shape}, indices {indices.shape} and bank "
            f"{bank.shape}: expected [B, D], [B] and [N, D]"
        )
    kept = full_mask(where, indices.shape) & (indices >= 0) & (indices < bank.shape[0])
    old = jnp.take(bank, indices, axis=0, mode="clip")
    new = unit(momentum * old + (1 - momentum) * jnp.where(kept[:, None], embeddings, 0))
    return bank.at[jnp.where(kept, indices, bank.shape[0])].set(new.astype(bank.dtype), mode="drop")
