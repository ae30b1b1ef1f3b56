"""Contrastive distillation against a memory of every example, held by the caller.

Notation: s_i is the student's embedding of example i, t_i the teacher's, unit vectors [B, D]
(models.projectors.Embedding); m^s and m^t are the banks [N, D], one row per example of the data
set; τ the temperature. The banks are state: contrastive reads them, update_bank returns new ones.
"""

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.losses._arrays import (
    check_full,
    constant,
    fraction,
    hide,
    keep,
    mask_of,
    matched,
    positive,
)
from kd_jax.losses._math import einsum, unit


def _check_indices(indices, bank, rank):
    """Integer rows of `bank`; ValueError where they cannot be that."""
    if not isinstance(indices, jax.core.Tracer):
        indices = np.asarray(indices)
        if indices.size and not ((indices >= 0) & (indices < bank.shape[0])).all():
            raise ValueError(f"indices reach outside the bank's {bank.shape[0]} rows")
    if not jnp.issubdtype(indices.dtype, jnp.integer) or indices.ndim != rank:
        raise ValueError(
            f"indices have dtype {indices.dtype} and shape {indices.shape}: "
            f"expected integers and {rank} axes"
        )
    return jnp.asarray(indices)


def _check_banks(embeddings, banks, indices):
    """Banks and indices that fit embeddings [B, D], or a ValueError that names the shapes."""
    check_full("student", embeddings, rank=2)
    banks = [constant(bank) for bank in banks]
    for bank in banks:
        check_full("bank", bank, rank=2)
        if bank.shape != banks[0].shape or bank.shape[1] != embeddings.shape[1]:
            raise ValueError(
                f"student has shape {embeddings.shape} and the banks "
                f"{[b.shape for b in banks]}: expected [B, D] and two of [N, D]"
            )
    indices = _check_indices(indices, banks[0], rank=2)
    if indices.shape[0] != embeddings.shape[0] or indices.shape[1] == 0:
        raise ValueError(
            f"indices have shape {indices.shape} and student {embeddings.shape}: "
            "expected [B, 1 + K] and [B, D]"
        )
    return banks, indices


def _scores(embeddings, bank, indices, temperature):
    """v·m/τ of each embedding and its rows of the bank, [B, 1 + K]."""
    rows = jnp.take(bank, indices, axis=0, mode="clip")
    return einsum("bd,bkd->bk", embeddings, rows) / temperature


def _log_constant(scores, where, size):
    """log Z = log(N · mean exp(v·m/τ)) over the kept rows, a constant for the gradient."""
    scores = jax.lax.stop_gradient(scores)
    kept = mask_of(where, scores.shape[:1])[:, None]
    count = jnp.maximum(jnp.sum(kept) * scores.shape[1], 1)
    peak = jnp.max(scores)
    total = jnp.sum(jnp.where(kept, jnp.exp(scores - peak), 0))
    return jnp.log(jnp.where(total > 0, total, 1) * size / count) + peak


def _noise_contrast(log_x, size):
    """−[log x_0/(x_0 + c) + Σ_k log (K/N)/(x_k + c)] per row, c = K/N + 1e-7, from log x."""
    negatives = log_x.shape[-1] - 1
    noise = jnp.asarray(negatives / size, log_x.dtype)
    both = jnp.logaddexp(log_x, jnp.log(noise + 1e-7))
    # With K = 0 there is no second sum, and its log 0 is multiplied away.
    log_noise = jnp.log(noise) if negatives else 0.0
    return jnp.sum(both, -1) - log_x[:, 0] - negatives * log_noise


def contrastive_constants(
    student, teacher, student_bank, teacher_bank, indices, *, temperature=0.07, where=None
):
    """The two normalisers Z of `contrastive`, from the whole batch: (z_student, z_teacher).

    Z = N · mean over the batch and its K + 1 candidates of exp(v·m/τ). CRD fixes them at the first
    batch: call this once and hand both numbers to every later `contrastive`. Arguments and errors
    are those of `contrastive`; no gradient.
    """
    temperature = positive("temperature", temperature)
    student, teacher = (constant(x) for x in matched(student, teacher))
    banks, indices = _check_banks(student, (student_bank, teacher_bank), indices)
    student, teacher = hide(where, student, teacher)
    size = banks[0].shape[0]
    against = (student, banks[1]), (teacher, banks[0])
    return tuple(
        jnp.exp(_log_constant(_scores(v, bank, indices, temperature), where, size))
        for v, bank in against
    )


def contrastive(
    student, teacher, student_bank, teacher_bank, indices,
    *, temperature=0.07, z_student=None, z_teacher=None, where=None,
):  # fmt: skip
    """Noise-contrastive loss that tells the teacher's embedding of an example from K others'.

    −log x_0/(x_0 + c) − Σ_{k=1}^{K} log (K/N)/(x_k + c), c = K/N + 1e-7, x_k = exp(v·m_k/τ)/Z; once
    with v = s, m from the teacher's bank and Z = `z_student`, once with v = t, m from the student's
    bank and Z = `z_teacher`; both are added. Only the first has a gradient: to train the teacher's
    embedding too, as CRD does, add the call with the two sides swapped (and detached features
    before the teacher's embedding): each call has the same value and one of the two gradients.

    Args: student s [B, D]; teacher t [B, D], detached; student_bank and teacher_bank [N, D],
      detached; indices [B, 1 + K] of bank rows, the example itself in column 0 (one known only at
      run time counts as the nearest row); temperature > 0; z_student and z_teacher > 0, or None:
      from this batch (contrastive_constants); where [B], True keeps.
    Returns: nats, [B]; 0 where masked.
    Raises: ValueError on shapes that do not fit, indices outside [0, N), temperature or z ≤ 0.
    Source: Tian, Krishnan and Isola 2020, arXiv 1910.10699 (CRD), as RepDistiller computes it; from
      log x, so that a small τ does not overflow.
    """
    temperature = positive("temperature", temperature)
    student, teacher = matched(student, teacher)
    banks, indices = _check_banks(student, (student_bank, teacher_bank), indices)
    student, teacher = hide(where, student, teacher)
    size, total = banks[0].shape[0], 0
    for v, bank, z in (student, banks[1], z_student), (teacher, banks[0], z_teacher):
        scores = _scores(v, bank, indices, temperature)
        given = z is not None
        log_z = jnp.log(constant(positive("z", z))) if given else _log_constant(scores, where, size)
        total = total + _noise_contrast(scores - log_z, size)
    return keep(where, total)


def update_bank(bank, indices, embeddings, *, momentum=0.5, where=None):
    """The bank with the rows of this batch moved towards their new embeddings; not a loss.

    m_i ← (μ m_i + (1 − μ) v_i)/‖μ m_i + (1 − μ) v_i‖, μ = `momentum`, for the rows `indices` alone.
    If an index stands twice, one of the two is written, which one is not defined.

    Args: bank [N, D]; indices [B], the batch's own rows (column 0 of those of `contrastive`);
      embeddings v [B, D]; momentum in [0, 1]; where [B], True keeps: the others write nothing.
    Returns: an array like bank, without gradient. An index outside [0, N) that is known only at
      run time writes nothing.
    Raises: ValueError on shapes that do not fit, indices outside [0, N), momentum outside [0, 1].
    Source: Tian, Krishnan and Isola 2020, arXiv 1910.10699; RepDistiller's ContrastMemory.
    """
    momentum = fraction("momentum", momentum)
    bank, embeddings = constant(bank), constant(embeddings)
    check_full("bank", bank, rank=2)
    indices = _check_indices(indices, bank, rank=1)
    if embeddings.shape != (*indices.shape, bank.shape[1]):
        raise ValueError(
            f"embeddings have shape {embeddings.shape}, indices {indices.shape} and bank "
            f"{bank.shape}: expected [B, D], [B] and [N, D]"
        )
    kept = mask_of(where, indices.shape) & (indices >= 0) & (indices < bank.shape[0])
    old = jnp.take(bank, indices, axis=0, mode="clip")
    new = unit(momentum * old + (1 - momentum) * jnp.where(kept[:, None], embeddings, 0))
    return bank.at[jnp.where(kept, indices, bank.shape[0])].set(new.astype(bank.dtype), mode="drop")
