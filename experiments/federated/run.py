"""Federated distillation: clients with rows of their own exchange logits instead of weights."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import optax

from experiments.federated import rows
from experiments.federated.config import Config
from kd_jax import models
from kd_jax.data import Split, out_of_domain, partition
from kd_jax.distill import aggregation, federated, federated_evaluation
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import records
from kd_jax.storage import run_folder
from kd_jax.training import keys


class FederatedMethod(NamedTuple):
    """A row of the table: how clients aggregate, on which public set, with which architectures.

    sent: (config, how many public inputs, classes) -> bytes of a round.
    """

    row: str
    aggregate: Callable
    sent: Callable
    public: str = "public"
    mixed: bool = False
    central: bool = False


class Parts(NamedTuple):
    """Disjoint Splits of MNIST, and the public inputs: those "public" and "out-of-domain"."""

    clients: Split
    validation: Split
    public: dict


def methods(config: Config) -> list[FederatedMethod]:
    """Every row of the table, the baseline first."""
    stopped = aggregation.feddf_early_stopping(config.server_epochs, config.patience)
    local, fedavg, feddf = aggregation.local, aggregation.fedavg, aggregation.feddf
    mean, median = aggregation.fedmd(aggregation.mean), aggregation.fedmd(aggregation.median)
    counted = aggregation.fedmd(aggregation.class_level)
    attacked_mean, attacked_median = (
        aggregation.fedmd(consensus, config.byzantine)
        for consensus in (aggregation.mean, aggregation.median)
    )
    weights, logits = aggregation.bytes_of_weights, aggregation.bytes_of_logits
    nothing = aggregation.no_bytes
    return [
        FederatedMethod(rows.LOCAL, local, nothing),
        FederatedMethod(rows.FEDAVG, fedavg, weights),
        FederatedMethod(rows.FEDDF, feddf, weights),
        FederatedMethod(rows.FEDDF_STOPPED, stopped, weights),
        FederatedMethod(rows.FEDDF_OTHERS, feddf, weights, public="out-of-domain"),
        FederatedMethod(rows.FEDDF_MIXED, feddf, weights, mixed=True),
        FederatedMethod(rows.FEDMD, mean, logits),
        FederatedMethod(rows.FEDMD_COUNTS, counted, logits),
        FederatedMethod(rows.FEDMD_OTHERS, mean, logits, public="out-of-domain"),
        FederatedMethod(rows.FEDMD_MIXED, mean, logits, mixed=True),
        FederatedMethod(rows.FEDMD_MEDIAN, median, logits),
        FederatedMethod(rows.ATTACKED_MEAN, attacked_mean, logits),
        FederatedMethod(rows.ATTACKED_MEDIAN, attacked_median, logits),
        FederatedMethod(rows.CENTRAL, local, nothing, central=True),
    ]


@functools.cache
def networks(width: int) -> list[models.Model]:
    """The architectures of clients, the one of those who all have the same first."""
    narrow = max(1, width // 2)
    nets = models.MLP((width,), 10), models.MLP((narrow, narrow), 10)
    convnet = models.ConvNet((4, 8), (1, 2), 10)
    return [models.functional(net, (28, 28)) for net in (*nets, convnet)]


optimizer = functools.cache(optax.adam)  # one for each rate, so that methods share programs


def federation(config: Config, method: FederatedMethod) -> federated.FederatedConfig:
    """The FederatedConfig of a method."""
    count = 1 if method.central else config.clients
    nets = networks(config.width)[: rows.ARCHITECTURES if method.mixed else 1]
    groups = tuple(zip(nets, map(len, np.array_split(np.arange(count), len(nets)))))
    batch_size = config.batch_size * (config.clients if method.central else 1)
    lengths = config.rounds, config.steps, config.distillation_steps
    adam = optimizer(config.learning_rate)
    return federated.FederatedConfig(groups, adam, method.aggregate, *lengths, batch_size)


def split(config: Config, train: Split, others) -> Parts:
    """Disjoint rows for clients, public set and validation; and the out-of-domain public set."""
    names = "client_rows", "public_rows", "validation"
    seed = keys.number(config.base_seed, "draw", "rows")
    sizes = {name: getattr(config, name) for name in names}
    own, public, validation = partition.disjoint(train, sizes, seed)
    require(
        len(public.inputs) <= len(others),
        f"--public_rows={config.public_rows}: there are {len(others)} out-of-domain images",
    )
    others = others[: config.public_rows]
    return Parts(own, validation, {"public": public.inputs, "out-of-domain": others})


def client_data(config: Config, method: FederatedMethod, alpha: float, parts: Parts):
    """The ClientData of all seeds: rows [S, K, N] and counts [S, K], each seed's own partition."""
    inputs, labels = parts.clients

    def partitioned(seed):
        if method.central:
            return [np.arange(len(labels))]
        drawn = keys.number(config.base_seed, "draw", "partition", seed)
        return partition.dirichlet(labels, config.clients, alpha, drawn, least=config.least_rows)

    padded = [partition.padded(partitioned(seed), len(labels)) for seed in range(config.seeds)]
    own, counts = map(np.stack, zip(*padded))
    public, validation = parts.public[method.public], tuple(parts.validation)
    return federated.ClientData(inputs, labels, own, counts, public, validation)


def train(config: Config, method: FederatedMethod, alpha: float, parts: Parts, test: Split, task):
    """The records of a method at one alpha, all seeds in one program.

    Of every seed the network of the first client is saved.
    """
    plan, clients = federation(config, method), client_data(config, method, alpha, parts)
    each = keys.keys(config.base_seed, "federation", count=config.seeds)
    clients, execution = jax.device_put(clients), task.execution
    fitted = federated.fit(plan, clients, each, execution)
    drifted = federated.train_on(plan, fitted.after, clients, each, execution)
    metrics: dict = federated_evaluation.accuracies(plan, fitted.before, fitted.after, test)
    metrics |= federated_evaluation.client_drift(plan, fitted.after, drifted, test)
    metrics |= {"validation_curve": fitted.curve, **fitted.reported}
    model, first = plan.groups[0][0], jax.tree.map(lambda x: np.asarray(x)[:, :1], fitted.after[0])
    saved_models.save(task.run, model, first, [method.row], test, part=task.known["part"])
    accuracy = metrics["test_accuracy"].mean()
    print(f"alpha {alpha:g}, {method.row}: test accuracy {accuracy:.1%}")
    sent = method.sent(plan, config.public_rows, 10)
    return records.seed_records(method.row, metrics, bytes=sent)


def run(config: Config, run: run_folder.Run) -> None:
    """Train every method at every alpha."""
    where = config.data_dir, config.manual_dir
    data, others, digests = out_of_domain.with_mnist(config.mnist_5k, *where)
    run.uses(data=digests)
    parts = split(config, data.train, others)
    units = [
        (
            {"part": f"{alpha:g}", "row": method.row},
            functools.partial(train, config, method, alpha, parts, data.test),
        )
        for method in methods(config)
        for alpha in config.alphas
    ]
    run.each(units, workers=config.workers)
