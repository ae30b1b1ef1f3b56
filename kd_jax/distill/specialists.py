"""Generalist and specialists: who gets which classes and sees what, and how answers are joined.

A specialist knows S special classes and one dustbin for all others. Source of all of it: Hinton,
Vinyals and Dean 2015, arXiv 1503.02531, section 5.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax


def confusions(probabilities):
    """Columns [C, C] by which classes are clustered: classes that are predicted together are near.

    The covariance of the predictions over the inputs, without its diagonal and without what is
    below zero, each column scaled to length 1, plus half the identity, scaled to length 1 again.
    The paper clusters the raw covariance; where a generalist is good its diagonal outweighs all
    else, every column points its own way and the clusters mean nothing, which is why it is left
    out here. All columns being equally long, a class that is never confused is near no centre.

    Args: probabilities [N, C] of the generalist, no labels. Returns: column c of class c.
    """
    covariance = np.cov(np.asarray(probabilities, np.float64), rowvar=False)
    off = np.maximum(covariance - np.diag(np.diag(covariance)), 0)
    length = np.linalg.norm(off, axis=0)
    tiny = np.finfo(np.float64).eps  # below it stands rounding, not confusion
    columns = np.where(length > tiny, off / np.maximum(length, tiny), 0) + 0.5 * np.eye(len(off))
    return columns / np.linalg.norm(columns, axis=0)


def online_k_means(columns, clusters, *, passes=50, seed=0):
    """Centres [K, D] of the columns [D, C]: each column in turn draws the nearest centre to it.

    c ← c + (x − c)/n_c, n_c the columns that c has drawn so far. The first centres are columns,
    each far from those before it (the next farthest; the first is drawn by the seed).
    Raises: ValueError unless 1 ≤ clusters ≤ C.
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
    centres, drawn = np.array(first), np.ones(clusters)
    for _ in range(passes):
        for x in points[random.permutation(len(points))]:
            nearest = _distances(x[None], centres)[0].argmin()
            drawn[nearest] += 1
            centres[nearest] += (x - centres[nearest]) / drawn[nearest]
    return centres


def special_classes(columns, centres, size):
    """The `size` classes nearest to each centre: [K, size], ascending; they may overlap.

    Raises: ValueError unless 1 ≤ size < C: a dustbin needs at least one class.
    """
    points = np.asarray(columns).T
    if not 1 <= size < len(points):
        raise ValueError(f"{size} special classes: expected from 1 to {len(points) - 1}")
    return np.sort(_distances(points, centres).argsort(0, kind="stable")[:size].T, axis=1)


def _distances(points, centres):
    return ((points[:, None] - centres[None]) ** 2).sum(-1)


def from_generalist(params, special):
    """A specialist's first parameters: the generalist's, with S special logits and a dustbin.

    The dustbin's weights are the mean of those of its classes, its bias is their mean plus the log
    of their number: the logarithm of a sum of exponentials near its middle.

    Args: params with "logits": {"kernel" [D, C], "bias" [C]}; special [S].
    """
    kernel, bias = params["logits"]["kernel"], params["logits"]["bias"]
    rest = np.setdiff1d(np.arange(len(bias)), special)
    dustbin = kernel[:, rest].mean(1, keepdims=True)
    level = bias[rest].mean(keepdims=True) + np.log(len(rest))
    logits = {
        "kernel": jnp.concatenate([kernel[:, special], dustbin], 1),
        "bias": jnp.concatenate([bias[special], level]),
    }
    return {**params, "logits": logits}


def as_special(labels, classes):
    """Labels as a specialist sees them: the place in its classes, or the dustbin after them."""
    places = np.full(labels.max() + 1, len(classes), np.int32)
    places[classes] = np.arange(len(classes))
    return places[labels]


def half_special(key, own_labels, size, batch):
    """order(member, epoch): half of each batch special, half of the rest, each shuffled anew.

    An epoch shows every special row once, as far as they fill half batches.
    Args: own_labels [M, N] as `as_special` gives them, `size` being the dustbin; all classes have
      as many rows.
    """
    rows = jnp.asarray(np.argsort(own_labels == size, axis=1, kind="stable"))
    special = int((own_labels[0] != size).sum())
    half = min(batch // 2, special)
    steps = special // half

    def order(member, epoch):
        keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, member), epoch))
        mine, rest = rows[member, :special], rows[member, special:]
        drawn = [
            jax.random.permutation(k, x)[: steps * half].reshape(steps, half)
            for k, x in zip(keys, (mine, rest))
        ]
        return jnp.concatenate(drawn, axis=1)

    return order


def dustbin_shift(share):
    """What is added to the dustbin's logit when half of a specialist's training was special.

    The log of the factor by which the special classes are over-sampled, ln(½ / π): a share π of
    the data, they were half of the batches. Their odds against the dustbin grew by (1 − π)/π,
    which is 2(1 − π) times that; the paper's rule is kept. Args: share π in (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}: expected above 0 and below 1")
    return float(np.log(0.5 / share))


def active(probabilities, special, n=1):
    """Which specialists [N, K] are asked: those with one of the generalist's n likeliest classes.

    Args: probabilities [N, C]; special [K, S].
    """
    likeliest = np.argsort(-np.asarray(probabilities), axis=1, kind="stable")[:, :n]
    return (likeliest[:, None, :, None] == np.asarray(special)[None, :, None]).any((2, 3))


@functools.partial(jax.jit, static_argnames=("steps",))
def join(generalist, specialists, special, asked, *, steps=300, rate=0.3):
    """log q [N, C] that fits the generalist and the specialists that were asked, image by image.

    Minimises KL(p_g ‖ q) + Σ_{m asked} KL(p_m ‖ q) over q = softmax(z), q's mass outside of m's
    classes being its dustbin, by `steps` steps of Adam on z with a cosine decay from `rate`; it
    begins at z = log p_g. Where no specialist is asked, q is p_g.

    Args: generalist log p_g [N, C]; specialists log p_m [K, N, S + 1], the dustbin last;
      special [K, S]; asked [N, K] booleans.
    Source: equation 5 there.
    """
    member = jax.nn.one_hot(special, generalist.shape[1])  # [K, S, C]
    outside = 1 - member.sum(1).T  # [C, K]
    p = jnp.where(asked.T[..., None], jnp.exp(specialists), 0)
    # Σ p log p is constant; what is left needs no class twice: −Σ_c w_c log q_c − Σ_m d_m log q_m
    weights = jnp.exp(generalist) + jnp.einsum("kns,ksc->nc", p[..., :-1], member)
    dustbins, tiny = p[..., -1].T, jnp.finfo(generalist.dtype).tiny

    def loss(z):
        log_q = jax.nn.log_softmax(z)
        in_dustbins = jnp.maximum(jnp.exp(log_q) @ outside, tiny)
        return -jnp.sum(weights * log_q) - jnp.sum(dustbins * jnp.log(in_dustbins))

    optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def step(carry, _):
        z, state = carry
        updates, state = optimizer.update(jax.grad(loss)(z), state)
        return (z + updates, state), None

    (z, _), _ = jax.lax.scan(step, (generalist, optimizer.init(generalist)), length=steps)
    return jnp.where(asked.any(1, keepdims=True), jax.nn.log_softmax(z), generalist)
