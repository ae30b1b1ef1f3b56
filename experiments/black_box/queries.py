"""What a teacher is asked about: pools of inputs, who asks for which of them, and in which order.

A pool is an array of inputs [N, …]; queries are row numbers of it, [S, n]: n of each seed's own.
"""

import jax.numpy as jnp
import numpy as np

from kd_jax.errors import require
from kd_jax.training import samplers


def noise(count, shape, seed):
    """Inputs [count, *shape] whose every pixel is uniform in [0, 1), float32."""
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def mixes(images, count, seed):
    """Images [count, H, W] of four quarters, each in its place, of four images drawn at random.

    Args: images [N, H, W] with even H and W; seed of the draws.
    """
    height, width = images.shape[1] // 2, images.shape[2] // 2
    drawn = np.random.default_rng(seed).integers(len(images), size=(4, count))
    mixed = np.empty((count, *images.shape[1:]), images.dtype)
    for rows, (top, left) in zip(drawn, np.ndindex(2, 2)):
        place = (
            slice(top * height, (top + 1) * height),
            slice(left * width, (left + 1) * width),
        )
        mixed[:, *place] = images[rows][:, *place]
    return mixed


def at_random(seeds, pool, count):
    """Row numbers [seeds, count] below `pool`, none twice; fewer are the first of more.

    Raises: InputError when the pool is smaller than that.
    """
    require(count <= pool, f"{count} queries of a pool of {pool}: ask for fewer")
    drawn = (np.random.default_rng(seed).permutation(pool) for seed in range(seeds))
    return np.stack([rows[:count] for rows in drawn])


def margin(p):
    """How sure a network is: its largest probability less the next, [..., C] -> [...], 0 to 1.

    Source: Scheffer, Decomain and Wrobel 2001, Active Hidden Markov Models (margin sampling).
    """
    top = np.sort(p, -1)[..., -2:]
    return top[..., 1] - top[..., 0]


def least_sure(asked, sureness, count):
    """The rows asked so far and the least sure of the others, `count` in all.

    Args: asked [S, n] row numbers; sureness [S, N]; count from n to N. Returns: [S, count].
    """
    found = []
    for rows, sure in zip(asked, sureness):
        sure = np.array(sure, float)
        sure[rows] = np.inf
        more = np.argsort(sure, kind="stable")[: count - len(rows)]
        found.append(np.concatenate([rows, more]))
    return np.stack(found)


def order(key, rows, batch_size):
    """order(seed, epoch) -> indices [steps, batch_size]: rows[seed], in a new order each epoch.

    The last, partial batch of an epoch is dropped. The order of places is the same for all seeds;
    the rows that stand there are their own.
    Args: rows [S, n]. Raises: InputError when not even one batch can be filled.
    """
    rows = jnp.asarray(rows)
    places = samplers.scattered(key, rows.shape[1], batch_size)
    return lambda seed, epoch: rows[seed][places(0, epoch)]
