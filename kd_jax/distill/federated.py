"""Federated learning as pure functions: clients train on rows of their own, then aggregate.

A round is `local_steps` steps of every client on its own rows, then an aggregation: a function
(config, params, clients, key) -> params, see `aggregation`. Clients of one network are vmapped.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from kd_jax import losses
from kd_jax.data import Split, partition
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


def distill(
    config: FederatedConfig,
    model: Model,
    params: Any,
    public: Float[Array, "P ..."],
    consensus: Float[Array, "P C"],
    key: Key[Array, ""],
) -> Any:
    """Parameters of one network after config.distillation_steps on soft targets at T = 1.

    Args:
        config: of the federation.
        model: the network.
        params: where it starts.
        public: inputs.
        consensus: the teacher's logits on them.
        key: of batches.
    """

    def loss_fn(variables, batch, key):
        (logits, _), state = model.apply(variables, batch.rows["inputs"], train=True, key=key)
        soft = losses.soft_targets(logits, batch.rows["consensus"])
        return train_state.Outcome(jnp.mean(soft), state=state)

    def draw(key):
        chosen = jax.random.randint(key, (config.batch_size,), 0, len(public))
        return {"inputs": public[chosen], "consensus": consensus[chosen]}

    steps = config.distillation_steps
    return train_state.train_steps(loss_fn, config.optimizer, params, draw, steps, key)


def fit(
    config: FederatedConfig,
    clients: ClientData,
    keys: Key[Array, " S"],
    execution: Execution = DEFAULT,
) -> tuple[tuple, tuple, Float[np.ndarray, "S rounds"]]:
    """Run all rounds of a federation for every seed.

    Args:
        config: of the federation.
        clients: rows [S, K, M] and counts [S, K]; the rest is shared by all seeds.
        keys: one per seed.
        execution: whether programs are compiled fast.

    Returns:
        Parameters before the last aggregation and after it, of each group with leaves [S, K, …],
        and the validation accuracy after every round, the mean over clients. All clients of a
        group begin alike.
    """
    init_keys, keys = split_each(keys)
    after = tuple(_initial(model, count, init_keys) for model, count in config.groups)
    shared = config._replace(aggregation=None)  # so that each aggregation compiles itself alone
    quick = bool(execution.compiler_options())
    local, measure, aggregate = (
        _program(work, known, quick)
        for work, known in (
            (local_training, shared), (_validation_accuracy, shared), (config.aggregation, config),
        )
    )  # fmt: skip
    curve = []
    for number in range(config.rounds):
        local_keys, aggregation_keys = _keys_of_round(keys, number)
        before = local(after, clients, local_keys)
        after = aggregate(before, clients, aggregation_keys)
        curve.append(measure(after, clients, aggregation_keys))
    return before, after, np.stack(curve, axis=1)


def broadcast(params: Any, count: int) -> Any:
    """The parameters of one network for each of `count` clients."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *x.shape)), params)


def evaluate(
    config: FederatedConfig, before: tuple, after: tuple, test: Split
) -> dict[str, Float[np.ndarray, " S"]]:
    """Test accuracies of a federation, as `fit` returned it.

    Args:
        config: of the federation.
        before: parameters before the last aggregation.
        after: parameters after it.
        test: the Split.

    Returns:
        {metric: [S]}: test_accuracy and worst_accuracy, the mean and the least over
        clients after the last aggregation; client_accuracy and ensemble_accuracy, the mean over
        clients and that of their mean logits before it.
    """

    def logits_of(params):
        groups = zip(config.groups, params)
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


@functools.lru_cache(maxsize=64)
def _program(work, config, quick):
    """The compiled work(config, params, clients, key), over seeds."""
    over_seeds = jax.vmap(functools.partial(work, config), in_axes=(0, AXES, 0))
    return jax.jit(over_seeds, compiler_options=compilation.quick_options() if quick else None)
