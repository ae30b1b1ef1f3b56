"""Federated learning as one pure function: clients train on rows of their own, then exchange.

A round is `steps` steps of every client on its own rows, then an exchange, which is a function
(plan, params, world, key) -> params. Clients of one architecture are vmapped; a plan may have
several. What they exchange is weights, or scores on a public set, see `exchanges`.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import clients, evaluate, losses, supervised, train


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


def learn(plan, world, key):
    """(params before the last exchange, params after it, accuracy [rounds] after each) of a seed.

    params: per group leaves [K, …]; all clients of a group begin alike. Accuracy: on the held rows,
    the mean over clients.
    """
    init_key, key = jax.random.split(key)
    first = tuple(everywhere(model.init(init_key), count) for model, count in plan.groups)

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


def everywhere(params, count):
    """The parameters of one network for so many clients."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *x.shape)), params)


def examine(plan, before, after, test):
    """{metric: [S]} on the test: after the last exchange, and of each and all before it."""

    def logits_of(params):
        groups = zip(plan.groups, params)
        each = (evaluate.predict(net.apply, p, test.inputs) for (net, _), p in groups)
        return np.concatenate([*each], axis=1)

    own, seen = logits_of(before), logits_of(after)
    accuracy = np.asarray(evaluate.measure(seen, test.labels)["accuracy"])
    ensemble = evaluate.measure(own.mean(1), test.labels)
    return {
        "test_accuracy": accuracy.mean(1),
        "worst_accuracy": accuracy.min(1),
        "client_accuracy": np.asarray(evaluate.measure(own, test.labels)["accuracy"]).mean(1),
        "ensemble_accuracy": np.asarray(ensemble["accuracy"]),
    }
