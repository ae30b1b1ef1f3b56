"""What clients of a federation exchange after each round: weights, or scores on a public set.

An exchange is a function (plan, params, world, key) -> params of federated.Plan and World; params
have a tree [K, …] for each group. What a round of it sends is counted beside it.
"""

import jax
import jax.numpy as jnp

from kd_jax.distill import federated
from kd_jax.metrics import cost


def alone(plan, params, world, key):
    """No exchange: everyone goes on from where it is."""
    return params


def fedavg(plan, params, world, key):
    """Everyone goes on from the mean of its group's parameters: θ = Σ_k n_k θ_k / Σ_k n_k.

    n_k is how many rows client k has. Source: McMahan et al. 2017, arXiv 1602.05629, algorithm 1.
    """
    counts = federated.by_group(plan, world.counts)
    return tuple(federated.everywhere(_mean(p, n), len(n)) for p, (_, n) in zip(params, counts))


def feddf(plan, params, world, key):
    """fedavg, whose mean is then distilled: it digests the clients' mean logits on the public set.

    The clients of all groups are one ensemble, (1/K) Σ_k z_k, which the mean of each group learns.
    Source: Lin et al. 2020, arXiv 2006.07242, algorithms 1 and 3.
    """
    consensus = jnp.mean(federated.scores(plan, params, world.public), 0)
    keys = jax.random.split(key, len(plan.groups))
    found = []
    for of_group, key, (model, n) in zip(params, keys, federated.by_group(plan, world.counts)):
        server = federated.digested(plan, model, _mean(of_group, n), world.public, consensus, key)
        found.append(federated.everywhere(server, len(n)))
    return tuple(found)


def fedmd(aggregate, liars=0):
    """The exchange in which clients send logits on the public set and all digest the consensus.

    Args: aggregate: logits [K, P, C] -> consensus [P, C]; liars: how many clients, the first ones,
      send those of `wrong` classes.
    Source: Li and Wang 2019, arXiv 1910.03581, algorithm 1 (there the consensus is the mean).
    """

    def exchange(plan, params, world, key):
        sent = federated.scores(plan, params, world.public)
        consensus = aggregate(jnp.concatenate([wrong(sent[:liars]), sent[liars:]]))
        keys = jax.random.split(key, len(sent))

        def of_group(model, params, keys):
            return jax.vmap(
                lambda p, k: federated.digested(plan, model, p, world.public, consensus, k)
            )(params, keys)  # fmt: skip

        parts = zip(params, federated.by_group(plan, keys))
        return tuple(of_group(model, p, k) for p, (model, k) in parts)

    return exchange


def mean(logits):
    """The mean [P, C] of clients' logits [K, P, C]."""
    return jnp.mean(logits, 0)


def median(logits):
    """The median [P, C] of clients' logits [K, P, C], score by score: few cannot move it far.

    Source: Yin et al. 2018, arXiv 1803.01498, definition 1 (of gradients there).
    """
    return jnp.median(logits, 0)


def wrong(logits):
    """The score of each class sent as that of the next one, the last as that of the first."""
    return jnp.roll(logits, 1, axis=-1)


def no_bytes(plan, public, classes):
    """Bytes of a round in which nobody sends: 0."""
    return 0


def bytes_of_weights(plan, public, classes):
    """Bytes that all clients send and receive in a round of weights, as float32."""
    each = (
        count * cost.size_bytes(jax.eval_shape(model.init, jax.random.key(0)))
        for model, count in plan.groups
    )
    return 2 * sum(each)


def bytes_of_scores(plan, public, classes):
    """Bytes that all clients send and receive in a round of float32 logits on `public` inputs."""
    return 2 * 4 * sum(count for _, count in plan.groups) * public * classes


def _mean(params, counts):
    """Σ_k n_k θ_k / Σ_k n_k of parameters [K, …]."""
    weights = counts / jnp.sum(counts)
    return jax.tree.map(lambda x: jnp.tensordot(weights, x, 1), params)
