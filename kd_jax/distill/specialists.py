"""Generalist and specialists: class assignment, initialization, sampling, combined prediction.

A specialist knows S special classes and one dustbin class for all others.
Source of all of it: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 5.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import Partial
from jaxtyping import Array, Bool, Float, Int


def confusion_columns(probabilities: Float[np.ndarray, "N C"]) -> Float[np.ndarray, "C C"]:
    """Columns by which classes are clustered: classes that are predicted together are near.

    The covariance of the predictions over the inputs, without its diagonal and without what is
    below zero, each column scaled to length 1, plus half the identity, scaled to length 1 again.
    The paper clusters the raw covariance; where a generalist is good its diagonal outweighs all
    else, every column points its own way and the clusters mean nothing, which is why it is left
    out here. All columns being equally long, a class that is never confused is near no center.

    Args:
        probabilities: predictions of the generalist; no labels are needed.

    Returns:
        Column c of class c.
    """
    covariance = np.cov(np.asarray(probabilities, np.float64), rowvar=False)
    off = np.maximum(covariance - np.diag(np.diag(covariance)), 0)
    length = np.linalg.norm(off, axis=0)
    tiny = np.finfo(np.float64).eps  # below it stands rounding, not confusion
    columns = np.where(length > tiny, off / np.maximum(length, tiny), 0) + 0.5 * np.eye(len(off))
    return columns / np.linalg.norm(columns, axis=0)


def online_k_means(
    columns: Float[np.ndarray, "D C"], clusters: int, *, passes: int = 50, seed: int
) -> Float[np.ndarray, "K D"]:
    """Cluster centers by online k-means: each column in turn draws the nearest center to it.

    c ← c + (x − c)/n_c, n_c the columns that c has drawn so far. The first centers are columns,
    each far from those before it (the next farthest; the first is drawn by the seed).

    Args:
        columns: points x, one per class.
        clusters: K.
        passes: over all columns, each in a new order.
        seed: of the first center and of the orders.

    Raises:
        ValueError: unless 1 ≤ clusters ≤ C.

    Source: MacQueen 1967, Some methods for classification and analysis of multivariate
    observations.
    """
    points = np.asarray(columns, np.float64).T
    if not 1 <= clusters <= len(points):
        raise ValueError(f"{clusters} clusters: expected from 1 to {len(points)}, as many classes")
    random = np.random.default_rng(seed)
    first = [points[random.integers(len(points))]]
    while len(first) < clusters:
        first.append(points[_distances(points, np.array(first)).min(1).argmax()])
    centers, drawn = np.array(first), np.ones(clusters)
    for _ in range(passes):
        for x in points[random.permutation(len(points))]:
            nearest = _distances(x[None], centers)[0].argmin()
            drawn[nearest] += 1
            centers[nearest] += (x - centers[nearest]) / drawn[nearest]
    return centers


def special_classes(
    columns: Float[np.ndarray, "D C"], centers: Float[np.ndarray, "K D"], size: int
) -> Int[np.ndarray, "K S"]:
    """The `size` classes nearest to each center, ascending; those of two centers may overlap.

    Args:
        columns: one per class.
        centers: one per specialist.
        size: S.

    Raises:
        ValueError: unless 1 ≤ size < C: a dustbin needs at least one class.
    """
    points = np.asarray(columns).T
    if not 1 <= size < len(points):
        raise ValueError(f"{size} special classes: expected from 1 to {len(points) - 1}")
    return np.sort(_distances(points, centers).argsort(0, kind="stable")[:size].T, axis=1)


def _distances(points, centers):
    return ((points[:, None] - centers[None]) ** 2).sum(-1)


def from_generalist(variables: dict, special: Int[np.ndarray, " S"]) -> dict:
    """A specialist's initial variables: the generalist's, with S special logits and a dustbin.

    The dustbin's weights are the mean of those of its classes, its bias is their mean plus the log
    of their number: the logarithm of a sum of exponentials near its middle.

    Args:
        variables: of the generalist, its parameters with "logits": {"kernel" [D, C], "bias" [C]}.
        special: the special classes.

    Returns:
        Them with "logits": {"kernel" [D, S + 1], "bias" [S + 1]}, the dustbin last.
    """
    params = variables["params"]
    kernel, bias = params["logits"]["kernel"], params["logits"]["bias"]
    rest = np.setdiff1d(np.arange(len(bias)), special)
    dustbin = kernel[:, rest].mean(1, keepdims=True)
    level = bias[rest].mean(keepdims=True) + np.log(len(rest))
    logits = {
        "kernel": jnp.concatenate([kernel[:, special], dustbin], 1),
        "bias": jnp.concatenate([bias[special], level]),
    }
    return {**variables, "params": {**params, "logits": logits}}


def specialist_labels(
    labels: Int[np.ndarray, " N"], special: Int[np.ndarray, " S"]
) -> Int[np.ndarray, " N"]:
    """Labels as a specialist has them: 0 to S − 1 for its classes, S for the dustbin.

    Args:
        labels: of all classes.
        special: the special classes.
    """
    places = np.full(labels.max() + 1, len(special), np.int32)
    places[special] = np.arange(len(special))
    return places[labels]


def half_special_sampler(
    key: jax.Array, labels: Int[np.ndarray, "M N"], size: int, batch_size: int
) -> Partial:
    """A sampler of specialists: half of each batch special, half of the rest, each shuffled anew.

    An epoch shows every special row once, as far as they fill half batches.

    Args:
        key: of the shuffling.
        labels: of M specialists, as `specialist_labels` gives them; all classes have as many rows.
        size: S, how many special classes each has.
        batch_size: of which half is special, or all special rows where they are fewer.

    Returns:
        sampler(member, epoch) -> indices [steps, batch_size].
    """
    rows = jax.device_put(np.argsort(labels == size, axis=1, kind="stable"))
    special = int((labels[0] != size).sum())
    return Partial(_half_special(special, min(batch_size // 2, special)), key, rows)


@functools.lru_cache(maxsize=64)  # one function of each size, by which programs are told apart
def _half_special(special, half):
    steps = special // half

    def sampler(key, rows, member, epoch):
        keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, member), epoch))
        parts = zip(keys, (rows[member, :special], rows[member, special:]))
        drawn = [jax.random.permutation(k, x)[: steps * half].reshape(steps, -1) for k, x in parts]
        return jnp.concatenate(drawn, axis=1)

    return sampler


def dustbin_shift(fraction: float) -> float:
    """What is added to the dustbin's logit to correct for over-sampling the special classes.

    ln(½ / π), the log of the factor by which the special classes, a fraction π of the data, were
    over-sampled to half of the batches. Their odds against the dustbin grew by (1 − π)/π, which is
    2(1 − π) times that; the paper's rule is kept.

    Args:
        fraction: π, in (0, 1).

    Raises:
        ValueError: it is not in (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}: expected above 0 and below 1")
    return float(np.log(0.5 / fraction))


def active(
    probabilities: Float[np.ndarray, "N C"], special: Int[np.ndarray, "K S"], n: int = 1
) -> Bool[np.ndarray, "N K"]:
    """Which specialists take part: those with one of the generalist's n most probable classes.

    Args:
        probabilities: of the generalist, or their logarithms.
        special: the special classes of each specialist.
        n: how many of the most probable classes count.
    """
    top = np.argsort(-np.asarray(probabilities), axis=1, kind="stable")[:, :n]
    return (top[:, None, :, None] == np.asarray(special)[None, :, None]).any((2, 3))


@functools.partial(jax.jit, static_argnames=("steps",))
def combine(
    generalist: Float[Array, "N C"],
    specialists: Float[Array, "K N S+1"],
    special: Int[Array, "K S"],
    active: Bool[Array, "N K"],
    *,
    steps: int = 300,
    learning_rate: float = 0.3,
) -> Float[Array, "N C"]:
    """Log of the distribution q that fits generalist and active specialists, input by input.

    Minimizes KL(p_g ‖ q) + Σ_{m active} KL(p_m ‖ q) over q = softmax(z), q's mass outside of m's
    classes being its dustbin, by Adam on z with a cosine decay; it begins at z = log p_g. Where no
    specialist is active, q is p_g.

    Args:
        generalist: log p_g.
        specialists: log p_m, the dustbin last.
        special: the special classes of each specialist.
        active: which specialists take part for which input.
        steps: of Adam.
        learning_rate: at which it begins.

    Source: equation 5 there.
    """
    member = jax.nn.one_hot(special, generalist.shape[1])  # [K, S, C]
    outside = 1 - member.sum(1).T  # [C, K]
    p = jnp.where(active.T[..., None], jnp.exp(specialists), 0)
    # Σ p log p is constant; what is left needs no class twice: −Σ_c w_c log q_c − Σ_m d_m log q_m
    weights = jnp.exp(generalist) + jnp.einsum("kns,ksc->nc", p[..., :-1], member)
    dustbins, tiny = p[..., -1].T, jnp.finfo(generalist.dtype).tiny

    def loss(z):
        log_q = jax.nn.log_softmax(z)
        in_dustbins = jnp.maximum(jnp.exp(log_q) @ outside, tiny)
        return -jnp.sum(weights * log_q) - jnp.sum(dustbins * jnp.log(in_dustbins))

    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    def step(carry, _):
        z, state = carry
        updates, state = optimizer.update(jax.grad(loss)(z), state)
        return (z + updates, state), None

    (z, _), _ = jax.lax.scan(step, (generalist, optimizer.init(generalist)), length=steps)
    return jnp.where(active.any(1, keepdims=True), jax.nn.log_softmax(z), generalist)
