"""Federated learning as pure functions: clients train on rows of their own, then aggregate.

A round is `local_steps` steps of every client on its own rows, then an aggregation: a function
(config, params, clients, key) -> (params, {name: number} that it reports), see `aggregation`.
Clients of one network are vmapped.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from kd_jax.data import partition
from kd_jax.distill import teachers
from kd_jax.metrics import classification
from kd_jax.models import Model
from kd_jax.runtime import compilation
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import state as train_state
from kd_jax.training.keys import split_each


class ClientData(NamedTuple):
    """What the clients of one seed have.

    inputs [N, …] and labels [N]: of all clients. rows [K, M] and counts [K]: which of them each
    has, from partition.padded. public [P, …]: unlabeled inputs that all have. validation: inputs
    and labels on which every round is measured.
    """

    inputs: Any
    labels: Any
    rows: Any
    counts: Any
    public: Any
    validation: Any


AXES = ClientData(None, None, 0, 0, None, None)  # of seeds, which differ in who has which rows


class FederatedConfig(NamedTuple):
    """How clients learn.

    groups: (Model, how many clients) of each architecture. optimizer: of optax, begun anew every
    round. aggregation: see the module. rounds: of communication. local_steps: of a client on its
    own rows in a round. distillation_steps: on the public inputs. batch_size: of every step.
    """

    groups: tuple[tuple[Model, int], ...]
    optimizer: Any
    aggregation: Callable | None
    rounds: int
    local_steps: int
    distillation_steps: int
    batch_size: int


def by_group(config: FederatedConfig, *arrays: Any) -> Iterator[tuple]:
    """(Model, its part of each array [K, …]) of every group; clients are ordered by group."""
    first = 0
    for model, count in config.groups:
        yield model, *(x[first : first + count] for x in arrays)
        first += count


def local_training(
    config: FederatedConfig, params: tuple, clients: ClientData, key: Key[Array, ""]
) -> tuple:
    """Parameters of every client after its steps on its own rows, by cross-entropy.

    Args:
        config: of the federation.
        params: of each group, leaves [K, …], as they are returned.
        clients: their rows.
        key: of batches.
    """
    keys = jax.random.split(key, len(clients.counts))

    def of_group(model, params, rows, counts, keys):
        loss_fn = teachers.loss(model.apply)

        def one(params, rows, count, key):
            def draw(key):
                chosen = partition.sample(key, rows, count, config.batch_size)
                return {"inputs": clients.inputs[chosen], "labels": clients.labels[chosen]}

            return train_state.train_steps(
                loss_fn, config.optimizer, params, draw, config.local_steps, key
            )

        return jax.vmap(one)(params, rows, counts, keys)

    parts = by_group(config, clients.rows, clients.counts, keys)
    return tuple(of_group(model, p, *part) for p, (model, *part) in zip(params, parts))


def client_logits(
    config: FederatedConfig, params: tuple, inputs: Float[Array, "N ..."]
) -> Float[Array, "K N C"]:
    """The logits of every client on the same inputs."""
    each = (
        jax.vmap(lambda v, model=model: model.logits(v, inputs))(of_group)
        for (model, _), of_group in zip(config.groups, params)
    )
    return jnp.concatenate([*each])


class Fitted(NamedTuple):
    """A federation after all rounds.

    before and after: parameters before the last aggregation and after it, of each group with leaves
    [S, K, …]. curve: validation accuracy after every round, the mean over clients. reported:
    {name: [S, rounds]}, what aggregations reported.
    """

    before: tuple
    after: tuple
    curve: Float[np.ndarray, "S rounds"]
    reported: dict


def fit(
    config: FederatedConfig,
    clients: ClientData,
    keys: Key[Array, " S"],
    execution: Execution = DEFAULT,
) -> Fitted:
    """Run all rounds of a federation for every seed; all clients of a group begin alike.

    Args:
        config: of the federation.
        clients: rows [S, K, M] and counts [S, K]; the rest is shared by all seeds.
        keys: one per seed.
        execution: whether programs are compiled fast.
    """
    init_keys, keys = split_each(keys)
    after = tuple(_initial(model, count, init_keys) for model, count in config.groups)
    local, measure = (
        _shared(work, config, execution) for work in (local_training, _validation_accuracy)
    )
    quick = bool(execution.compiler_options())
    aggregate, curve, reported = _program(config.aggregation, config, quick), [], []
    for number in range(config.rounds):
        local_keys, aggregation_keys = _keys_of_round(keys, number)
        before = local(after, clients, local_keys)
        after, said = aggregate(before, clients, aggregation_keys)
        curve.append(measure(after, clients, aggregation_keys))
        reported.append(said)
    by_round = {name: np.stack([said[name] for said in reported], 1) for name in reported[0]}
    return Fitted(before, after, np.stack(curve, axis=1), by_round)


def train_on(
    config: FederatedConfig,
    params: tuple,
    clients: ClientData,
    keys: Key[Array, " S"],
    execution: Execution = DEFAULT,
) -> tuple:
    """Parameters of every client after local steps as in a next round, that no aggregation follows.

    Args:
        config: of the federation.
        params: after all rounds, as `fit` returned them.
        clients: as for `fit`.
        keys: likewise.
        execution: likewise.
    """
    _, keys = split_each(keys)
    local_keys, _ = _keys_of_round(keys, config.rounds)
    return _shared(local_training, config, execution)(params, clients, local_keys)


def broadcast(params: Any, count: int) -> Any:
    """The parameters of one network for each of `count` clients."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *x.shape)), params)


def _initial(model, count, keys):
    """The first parameters [S, K, …] of a group."""
    first = train_state.initialize(model.init)(keys)
    return jax.tree.map(lambda x: np.repeat(np.asarray(x)[:, None], count, axis=1), first)


def _validation_accuracy(config, params, clients, key):
    """The mean accuracy of the clients on the validation rows."""
    inputs, labels = clients.validation
    chosen = classification.most_probable(client_logits(config, params, inputs))
    return jnp.mean(chosen == labels)


@jax.jit
def _keys_of_round(keys, number):
    """Keys [S] of local training, and those of the aggregation."""
    return split_each(jax.vmap(lambda key: jax.random.fold_in(key, number))(keys))


def _shared(work, config, execution):
    """The program of what all aggregations have in common, so that each compiles itself alone."""
    return _program(work, config._replace(aggregation=None), bool(execution.compiler_options()))


@functools.lru_cache(maxsize=64)
def _program(work, config, quick):
    """The compiled work(config, params, clients, key), over seeds."""
    over_seeds = jax.vmap(functools.partial(work, config), in_axes=(0, AXES, 0))
    return jax.jit(over_seeds, compiler_options=compilation.quick_options() if quick else None)
