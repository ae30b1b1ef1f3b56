"""Classification metrics: errors, likelihood, calibration, agreement with a teacher."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree, Shaped

from kd_jax import losses
from kd_jax.errors import require
from kd_jax.losses._arrays import promoted
from kd_jax.metrics import examples

BINS = 15  # of the calibration error


def predict(
    apply: Callable, params: PyTree, inputs: Shaped[np.ndarray, "N ..."], *, batch_size: int = 1000
) -> Float[np.ndarray, "S A N C"]:
    """Logits of a grid of networks, batch by batch.

    Args:
        apply: (params, inputs [B, …]) -> (logits [B, C], features), of one network.
        params: Leaves [S, A, …].
        inputs: The same for all networks.
        batch_size: Examples at once.

    Returns:
        Logits of every network on every input.
    """
    grid = _grid(apply)
    batches = (inputs[i : i + batch_size] for i in range(0, len(inputs), batch_size))
    return np.concatenate([np.asarray(grid(params, batch)) for batch in batches], axis=-2)


@functools.lru_cache(maxsize=64)
def _grid(apply: Callable) -> Callable:
    """The compiled logits of a grid; cached, so that the same network compiles once."""

    def one(member, batch):
        (logits, _), _ = apply(member, batch)
        return logits

    return jax.jit(jax.vmap(jax.vmap(one, in_axes=(0, None)), in_axes=(0, None)))


def most_probable(logits: Float[Any, "*B C"]) -> Int[Any, "*B"]:
    """The class of the largest logit, the first of equals; −1, no class, where there is none.

    There is none where a logit is NaN, or all are −∞.

    Args:
        logits: Arrays of NumPy or JAX.

    Returns:
        Classes.
    """
    largest = logits.max(-1)  # NaN if any is; argmax would give the NaN's place
    return (logits.argmax(-1) + 1) * (largest > -np.inf) - 1


def _checked(logits: Any, labels: Any) -> None:
    """InputError unless the labels are whole numbers, one for each row of logits [..., N, C]."""
    rows = logits.shape[-2:-1]
    require(
        labels.shape == rows and jnp.issubdtype(labels.dtype, jnp.integer),
        f"labels are {labels.dtype} {list(labels.shape)} for logits {list(logits.shape)}: expected "
        f"whole numbers {list(rows)}, the class of each row",
    )


def _right(logits: Float[Any, "*G N C"], labels: Int[Any, " N"]) -> Bool[Any, "*G N"]:
    """Whether the most probable class is the label; never where that is no class."""
    chosen = most_probable(logits)
    return (chosen == labels) & (chosen >= 0)


def right(logits: Float[Any, "*G N C"], labels: Int[Any, " N"]) -> Shaped[np.ndarray, "*G"]:
    """Which examples each network of a grid names rightly, as texts of metrics.examples.

    Args:
        logits: Of each network.
        labels: Classes.
    """
    return examples.packed(np.asarray(_right(np.asarray(logits), np.asarray(labels))))


@jax.jit
def measure(
    logits: Float[Array, "*G N C"],
    labels: Int[Array, " N"],
    teacher_logits: Float[Array, "*T N C"] | None = None,
) -> dict[str, Shaped[Array, "*G"]]:
    """Metrics of predictions q = softmax(z) at T = 1, one number per network.

    Args:
        logits: z, of each network of a grid.
        labels: y.
        teacher_logits: Of the teacher p = softmax(v), one for all or one for each network.

    Returns:
        By name. errors: examples whose `most_probable` class is not the label. accuracy: the rest,
        as a fraction. nll: mean −log q_y in nats. brier: mean Σ_c (q_c − [c = y])², from 0 to 2
        (Brier 1950). A label outside [0, C) is never right, and of it both are NaN. ece: see
        `calibration`. With a teacher also agreement: the fraction with the
        teacher's most probable class. kl: mean KL(p ‖ q), and reverse_kl: mean KL(q ‖ p), in nats,
        without the classes of a teacher's logit −∞, which would make the latter infinite.
        rank_correlation: see `wrong_rank_correlation`; of three classes or more.

    Raises:
        InputError: Labels or teacher_logits are of another shape, or labels no whole numbers.
    """
    _checked(logits, labels)
    logits = promoted(logits)
    log_q = jax.nn.log_softmax(logits)
    q, right = jnp.exp(log_q), _right(logits, labels)
    wrong, hits = jnp.sum(~right, -1), jnp.sum(right, -1)
    truth = _truth(labels, log_q)
    bins = calibration(logits, labels)
    gaps = jnp.abs(bins["accuracy"] - bins["confidence"]) * bins["count"]
    result = {
        "errors": wrong,
        "accuracy": hits / (hits + wrong),  # a constant's inverse would be rounded: no 1 of 41/41
        "nll": -jnp.mean(jnp.sum(jnp.where(truth == 0, 0, truth * log_q), -1), -1),
        "brier": jnp.mean(jnp.sum((q - truth) ** 2, -1), -1),
        "ece": jnp.sum(gaps, -1) / logits.shape[-2],
    }
    if teacher_logits is not None:
        result |= _beside_teacher(logits, promoted(teacher_logits), labels)
    return result


def _truth(labels: Int[Array, " N"], log_q: Float[Array, "*G N C"]) -> Float[Array, "N C"]:
    """One-hot labels, NaN for those outside [0, C)."""
    classes = log_q.shape[-1]
    known = (labels >= 0) & (labels < classes)
    one_hot = jax.nn.one_hot(labels, classes, dtype=log_q.dtype)
    return jnp.where(known[:, None], one_hot, jnp.nan)


def _beside_teacher(
    logits: Float[Array, "*G N C"], teacher_logits: Float[Array, "*T N C"], labels: Int[Array, " N"]
) -> dict[str, Float[Array, "*G"]]:
    """What `measure` says of students and their teacher."""
    require(
        teacher_logits.shape[-2:] == logits.shape[-2:],
        f"teacher_logits are {list(teacher_logits.shape)} for logits {list(logits.shape)}: "
        "expected as many rows and classes",
    )
    chosen, theirs = most_probable(logits), most_probable(teacher_logits)
    log_q, log_p = (jax.nn.log_softmax(x) for x in (logits, teacher_logits))
    q, shared = jnp.exp(log_q), (log_p > -jnp.inf) | jnp.isnan(log_p)
    reverse = jnp.where((q == 0) | ~shared, 0, q * (log_q - log_p))
    given = jnp.broadcast_to(teacher_logits, logits.shape)
    found = {
        "agreement": jnp.mean((chosen == theirs) & (chosen >= 0), -1),
        "kl": jnp.mean(losses.forward_kl(logits, given), -1),
        "reverse_kl": jnp.mean(jnp.sum(reverse, -1), -1),
    }
    if logits.shape[-1] > 2:
        found["rank_correlation"] = wrong_rank_correlation(logits, teacher_logits, labels)
    return found


@functools.partial(jax.jit, static_argnames="bins")
def calibration(
    logits: Float[Array, "*G N C"], labels: Int[Array, " N"], bins: int = BINS
) -> dict[str, Float[Array, "*G bins"]]:
    """Reliability diagram: count, accuracy and confidence of the predictions by confidence bin.

    Bin m of M holds the examples whose largest probability lies in ((m − 1)/M, m/M]; accuracy and
    confidence are means over it, 0 where it is empty. The expected calibration error is
    ECE = Σ_m count_m/N · |accuracy_m − confidence_m|.

    Args:
        logits: Of each network of a grid.
        labels: Classes.
        bins: M.

    Returns:
        {"count", "accuracy", "confidence"}.

    Raises:
        InputError: Labels are of another shape, or no whole numbers.

    Source:
        Guo et al. 2017, arXiv 1706.04599, equations 2 to 4.
    """
    _checked(logits, labels)
    logits = promoted(logits)
    confidence, right = jnp.max(jax.nn.softmax(logits), -1), _right(logits, labels)
    number = jnp.clip(jnp.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    member = jax.nn.one_hot(number, bins, dtype=confidence.dtype)
    count = jnp.sum(member, -2)
    filled = jnp.maximum(count, 1)
    return {
        "count": count,
        "accuracy": jnp.sum(member * right[..., None], -2) / filled,
        "confidence": jnp.sum(member * confidence[..., None], -2) / filled,
    }


def wrong_rank_correlation(
    logits: Float[Array, "*G N C"], teacher_logits: Float[Array, "*T N C"], labels: Int[Array, " N"]
) -> Float[Array, "*G"]:
    """Spearman's rank correlation of student and teacher over the wrong classes, averaged.

    Do both rank the classes that are not the label alike? The correlation is that of the ranks
    (ties share their mean rank) of the C − 1 logits; 0 where one side ranks nothing, NaN where a
    logit is NaN or the label no class, and of two classes: the one that is wrong has no order.

    Args:
        logits: Of each network of a grid.
        teacher_logits: Of one teacher for all, or of one for each network.
        labels: Classes.

    Returns:
        Means over the examples.

    Raises:
        InputError: Labels are of another shape, or no whole numbers.
    """
    _checked(logits, labels)
    wrong = jnp.arange(logits.shape[-1]) != labels[:, None]
    ours, theirs = (_centered_ranks(x, wrong) for x in (logits, teacher_logits))
    ranked = ~(jnp.isnan(logits).any(-1) | jnp.isnan(teacher_logits).any(-1) | wrong.all(-1))
    ranked &= logits.shape[-1] > 2
    product = jnp.sum(ours * theirs, -1)
    norm = jnp.sqrt(jnp.sum(ours**2, -1) * jnp.sum(theirs**2, -1))
    found = jnp.where(norm > 0, product / jnp.where(norm > 0, norm, 1), 0)
    return jnp.mean(jnp.where(ranked, found, jnp.nan), -1)


def _centered_ranks(
    values: Float[Array, "*G N C"], among: Bool[Array, "N C"]
) -> Float[Array, "*G N C"]:
    """Ranks of the values where `among` is True, less their mean; elsewhere 0."""
    lower = (values[..., None, :] < values[..., :, None]) & among[..., None, :]
    higher = (values[..., None, :] > values[..., :, None]) & among[..., None, :]
    difference = jnp.sum(lower, -1) - jnp.sum(higher, -1)  # twice the rank, less a constant
    return jnp.where(among, difference.astype(jnp.float32) / 2, 0)


def errors_by_class(
    logits: Float[np.ndarray, "*G N C"], labels: Int[np.ndarray, " N"]
) -> Int[np.ndarray, "*G C"]:
    """Number of errors among the examples of each class.

    Args:
        logits: Of each network of a grid.
        labels: Classes.

    Returns:
        Errors by class of the label.

    Raises:
        InputError: Labels are of another shape, or no whole numbers.
    """
    _checked(logits, labels)
    wrong = most_probable(logits) != labels
    return np.stack([wrong[..., labels == c].sum(-1) for c in range(logits.shape[-1])], axis=-1)
