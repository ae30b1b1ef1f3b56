"""Federated learning by pure functions: clients train on rows of their own, then exchange.

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

from kd_jax import losses
from kd_jax.data import partition
from kd_jax.distill import teachers
from kd_jax.metrics import classification
from kd_jax.training import state as train_state


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
    step = train_state.make_step(loss_fn, plan.optimizer)

    def one(state, _):
        return step(state, draw(jax.random.fold_in(draw_key, state.step)))[0], None

    first = train_state.start(params, plan.optimizer, key)
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
                chosen = partition.drawn(key, rows, count, plan.batch)
                return {"inputs": world.inputs[chosen], "labels": world.labels[chosen]}

            return trained(teachers.loss(model.apply), plan, params, draw, plan.steps, key)

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


def learn(plan, worlds, keys):
    """(params before the last exchange, params after it, accuracy [S, rounds] after each) of seeds.

    Args: worlds: rows [S, K, M] and counts [S, K], the rest is shared; keys [S].
    params: per group leaves [S, K, …]; all clients of a group begin alike. Accuracy: on the held
    rows, the mean over clients. A round is two programs and the first parameters come from others,
    so that plans which differ by their exchange compile that alone.
    """
    init_keys, keys = jax.vmap(jax.random.split, out_axes=1)(keys)
    after = tuple(_begun(model, count, init_keys) for model, count in plan.groups)
    own, exchange = program(on_own_rows, plan._replace(exchange=None)), program(plan.exchange, plan)
    held, curve = program(held_accuracy, plan._replace(exchange=None)), []
    for number in range(plan.rounds):
        own_keys, exchange_keys = _keys_of_round(keys, number)
        before = own(after, worlds, own_keys)
        after = exchange(before, worlds, exchange_keys)
        curve.append(held(after, worlds, exchange_keys))
    return before, after, jnp.stack(curve, axis=1)


def _begun(model, count, keys):
    """The first parameters [S, K, …] of a group."""
    return jax.vmap(lambda params: everywhere(params, count))(
        train_state.initialize(model.init)(keys)
    )


@jax.jit
def _keys_of_round(keys, number):
    """Keys [2, S] of what clients do alone and of their exchange."""
    return jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, number)), out_axes=1)(keys)


def held_accuracy(plan, params, world, key):
    """The mean accuracy of the clients on the held rows."""
    inputs, labels = world.held
    return jnp.mean(scores(plan, params, inputs).argmax(-1) == labels)


@functools.lru_cache(maxsize=64)
def program(work, plan):
    """The compiled work(plan, params, world, key), over seeds."""
    return jax.jit(jax.vmap(functools.partial(work, plan), in_axes=(0, SHARED, 0)))


def everywhere(params, count):
    """The parameters of one network for so many clients."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *x.shape)), params)


def examine(plan, before, after, test):
    """{metric: [S]} on the test: after the last exchange, and of each and all before it."""

    def logits_of(params):
        groups = zip(plan.groups, params)
        each = (classification.predict(net.apply, p, test.inputs) for (net, _), p in groups)
        return np.concatenate([*each], axis=1)

    own, seen = logits_of(before), logits_of(after)
    accuracy = np.asarray(classification.measure(seen, test.labels)["accuracy"])
    ensemble = classification.measure(own.mean(1), test.labels)
    return {
        "test_accuracy": accuracy.mean(1),
        "worst_accuracy": accuracy.min(1),
        "client_accuracy": np.asarray(classification.measure(own, test.labels)["accuracy"]).mean(1),
        "ensemble_accuracy": np.asarray(ensemble["accuracy"]),
    }
