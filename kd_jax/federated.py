"""Federated learning as one pure function: clients train on rows of their own, then exchange.

A round is `steps` steps of every client on its own rows, then an exchange, which is a function
(plan, params, world, key) -> params. Clients of one architecture are vmapped; a plan may have
several. What they exchange is weights (fedavg, feddf) or scores on a public set (fedmd, feddf).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import clients, losses, supervised, train


class World(NamedTuple):
    """What the clients of one seed have.

    inputs [N, …] and labels [N]: the private rows of all; rows [K, M] and counts [K]: which of them
    are whose, from clients.table; public [P, …]: inputs that all have, without labels; held: a
    pair of inputs and labels on which every round is measured.
    """

    inputs: Any
    labels: Any
    rows: Any
    counts: Any
    public: Any
    held: Any


SHARED = World(None, None, 0, 0, None, None)  # the axes of worlds that differ by seed


class Plan(NamedTuple):
    """How they learn: groups of (Model, how many clients), and what is the same for all.

    steps: of a client on its own rows in a round; digest: on the public inputs, of those who
    learn there; batch: rows of a step.
    """

    groups: tuple
    optimizer: Any
    exchange: Callable
    rounds: int
    steps: int
    digest: int
    batch: int


def trained(loss_fn, plan, params, draw, steps, key):
    """Parameters after so many steps of a fresh optimiser on batches draw(key)."""
    draw_key, key = jax.random.split(key)
    step = train.make_step(loss_fn, plan.optimizer)

    def one(state, _):
        return step(state, draw(jax.random.fold_in(draw_key, state.step)))[0], None

    first = train.start(params, plan.optimizer, key)
    return jax.lax.scan(one, first, length=steps)[0].params


def by_group(plan, *arrays):
    """Per group its Model and its part of arrays [K, …], the clients standing group by group."""
    first = 0
    for model, count in plan.groups:
        yield model, *(x[first : first + count] for x in arrays)
        first += count


def on_own_rows(plan, params, world, key):
    """The parameters of every client after its steps on its own rows."""
    keys = jax.random.split(key, len(world.counts))

    def of_group(model, params, rows, counts, keys):
        def one(params, rows, count, key):
            def draw(key):
                chosen = clients.drawn(key, rows, count, plan.batch)
                return {"inputs": world.inputs[chosen], "labels": world.labels[chosen]}

            return trained(supervised.loss(model.apply), plan, params, draw, plan.steps, key)

        return jax.vmap(one)(params, rows, counts, keys)

    parts = by_group(plan, world.rows, world.counts, keys)
    return tuple(of_group(model, p, *part) for p, (model, *part) in zip(params, parts))


def scores(plan, params, inputs):
    """The logits [K, N, C] of every client on the same inputs [N, …]."""
    each = (
        jax.vmap(lambda p, model=model: model.apply(p, inputs)[0])(of_group)
        for (model, _), of_group in zip(plan.groups, params)
    )
    return jnp.concatenate([*each])


def digested(plan, model, params, public, consensus, key):
    """One network's parameters after plan.digest steps towards the consensus [P, C] at T = 1."""

    def loss_fn(params, batch, key):
        logits, _ = model.apply(params, batch["inputs"], train=True, key=key)
        return jnp.mean(losses.soft_targets(logits, batch["consensus"])), {}

    def draw(key):
        chosen = jax.random.randint(key, (plan.batch,), 0, len(public))
        return {"inputs": public[chosen], "consensus": consensus[chosen]}

    return trained(loss_fn, plan, params, draw, plan.digest, key)


def alone(plan, params, world, key):
    """No exchange: everyone goes on from where it is."""
    return params


def fedavg(plan, params, world, key):
    """Everyone goes on from the mean of its group's parameters: θ = Σ_k n_k θ_k / Σ_k n_k.

    n_k is how many rows client k has. Source: McMahan et al. 2017, arXiv 1602.05629, algorithm 1.
    """
    counts = by_group(plan, world.counts)
    return tuple(_everywhere(_mean(p, n), len(n)) for p, (_, n) in zip(params, counts))


def feddf(plan, params, world, key):
    """fedavg, whose mean is then distilled: it digests the clients' mean logits on the public set.

    The clients of all groups are one ensemble, (1/K) Σ_k z_k, which the mean of each group learns.
    Source: Lin et al. 2020, arXiv 2006.07242, algorithms 1 and 3.
    """
    consensus = jnp.mean(scores(plan, params, world.public), 0)
    keys = jax.random.split(key, len(plan.groups))
    found = []
    for of_group, key, (model, n) in zip(params, keys, by_group(plan, world.counts)):
        server = digested(plan, model, _mean(of_group, n), world.public, consensus, key)
        found.append(_everywhere(server, len(n)))
    return tuple(found)


def fedmd(aggregate, liars=0):
    """The exchange in which clients send logits on the public set and all digest the consensus.

    Args: aggregate: logits [K, P, C] -> consensus [P, C]; liars: how many clients, the first ones,
      send those of `wrong` classes.
    Source: Li and Wang 2019, arXiv 1910.03581, algorithm 1 (there the consensus is the mean).
    """

    def exchange(plan, params, world, key):
        sent = scores(plan, params, world.public)
        consensus = aggregate(jnp.concatenate([wrong(sent[:liars]), sent[liars:]]))
        keys = jax.random.split(key, len(sent))

        def of_group(model, params, keys):
            return jax.vmap(
                lambda p, k: digested(plan, model, p, world.public, consensus, k)
            )(params, keys)  # fmt: skip

        parts = zip(params, by_group(plan, keys))
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


def learn(plan, world, key):
    """(params before the last exchange, params after it, accuracy [rounds] after each) of a seed.

    params: per group leaves [K, …]; all clients of a group begin alike. Accuracy: on the held rows,
    the mean over clients.
    """
    init_key, key = jax.random.split(key)
    first = tuple(_everywhere(model.init(init_key), count) for model, count in plan.groups)

    def one(carry, number):
        own_key, exchange_key = jax.random.split(jax.random.fold_in(key, number))
        before = on_own_rows(plan, carry[1], world, own_key)
        after = plan.exchange(plan, before, world, exchange_key)
        inputs, labels = world.held
        return (before, after), jnp.mean(scores(plan, after, inputs).argmax(-1) == labels)

    (before, after), curve = jax.lax.scan(one, (first, first), jnp.arange(plan.rounds))
    return before, after, curve


@functools.lru_cache(maxsize=64)
def program(plan):
    """The compiled `learn` of a plan over seeds: (worlds, keys [S]) -> what it gives, [S, …]."""
    return jax.jit(jax.vmap(functools.partial(learn, plan), in_axes=(SHARED, 0)))


def no_bytes(plan, public, classes):
    """Bytes of a round in which nobody sends: 0."""
    return 0


def bytes_of_weights(plan, public, classes):
    """Bytes that all clients send and receive in a round of weights, 4 for each number."""
    numbers = 0
    for model, count in plan.groups:
        leaves = jax.tree.leaves(jax.eval_shape(model.init, jax.random.key(0)))
        numbers += count * sum(int(np.prod(x.shape)) for x in leaves)
    return 2 * 4 * numbers


def bytes_of_scores(plan, public, classes):
    """Bytes that all clients send and receive in a round of logits on `public` inputs."""
    return 2 * 4 * sum(count for _, count in plan.groups) * public * classes


def _mean(params, counts):
    """Σ_k n_k θ_k / Σ_k n_k of parameters [K, …]."""
    weights = counts / jnp.sum(counts)
    return jax.tree.map(lambda x: jnp.tensordot(weights, x, 1), params)


def _everywhere(params, count):
    """The parameters of one network for so many clients."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *x.shape)), params)
