"""Aggregation in federated learning: FedAvg, FedDF, FedMD, Byzantine clients, communication cost.

An aggregation is a function (config, params, clients, key) -> (params, {name: number} that it
reports) of federated.FederatedConfig and ClientData; params have a tree with leaves [K, …] for each
group of clients. Beside it stands what a round of it sends, (config, public inputs, classes) ->
bytes.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from kd_jax.distill import federated
from kd_jax.distill import federated_distillation as distillation
from kd_jax.distill.federated import ClientData, FederatedConfig
from kd_jax.metrics import cost

Aggregated = tuple[tuple, dict]  # parameters, and what is reported


def local(config: FederatedConfig, params: tuple, clients: ClientData, key: Any) -> Aggregated:
    """No aggregation: every client keeps its own parameters."""
    return params, {}


def fedavg(config: FederatedConfig, params: tuple, clients: ClientData, key: Any) -> Aggregated:
    """Federated averaging: θ ← Σ_k n_k θ_k / Σ_k n_k over the clients of a group, for all of them.

    Args:
        config: of the federation.
        params: θ_k of each group, leaves [K, …].
        clients: `counts` are the n_k, how many rows each has.
        key: not used.

    Returns:
        Parameters as they came in, and nothing to report.

    Source: McMahan et al. 2017, arXiv 1602.05629, algorithm 1.
    """
    counts = federated.by_group(config, clients.counts)
    means = (federated.broadcast(_mean(p, n), len(n)) for p, (_, n) in zip(params, counts))
    return tuple(means), {}


def feddf(
    config: FederatedConfig, params: tuple, clients: ClientData, key: Key[Array, ""]
) -> Aggregated:
    """Ensemble distillation: `fedavg`, then the mean distills the clients' mean logits.

    The clients of all groups are one ensemble, (1/K) Σ_k z_k on the public inputs, which the
    average of each group is distilled from.

    Args:
        config: of the federation.
        params: of each group, leaves [K, …].
        clients: with `public` inputs.
        key: of the batches of the distillation.

    Returns:
        Parameters as they came in, and nothing to report.

    Source: Lin et al. 2020, arXiv 2006.07242, algorithms 1 and 3.
    """

    def server(model, average, consensus, key):
        return distillation.distill(config, model, clients.public, average, consensus, key)

    return tuple(_servers(config, params, clients, key, server)), {}


def feddf_early_stopping(epochs: int, patience: int) -> Callable:
    """The aggregation of `feddf` whose server stops by its accuracy on the validation rows.

    In every round it takes the epoch of the public set with the best accuracy; epoch 0 is the
    averaged weights, which nothing was distilled into. So does the authors' code, on validation
    accuracy every 100 of at most 10,000 steps, there with the averaged weights as an option.

    Args:
        epochs: of the server in a round, at most.
        patience: in epochs.

    Returns:
        The aggregation, which reports "server_epochs", those taken, the mean over groups.

    Source: Lin et al. 2020, arXiv 2006.07242, and the code of the authors.
    """

    def aggregation(config, params, clients, key):
        taken: list = []

        def server(model, average, consensus, key):
            limits = epochs, patience
            found = distillation.early_stopping(
                config, model, average, clients, consensus, limits, key
            )
            taken.append(found.epoch)
            return found.variables

        servers = tuple(_servers(config, params, clients, key, server))
        return servers, {"server_epochs": jnp.mean(jnp.stack(taken), dtype=jnp.float32)}

    return aggregation


def fedmd(
    consensus: Callable[[Float[Array, "K P C"], Int[Array, "K C"]], Float[Array, "P C"]],
    byzantine: int = 0,
) -> Callable:
    """The aggregation of FedMD: clients send logits on the public set, all distill the consensus.

    Args:
        consensus: of the logits and the class counts of all clients: `mean` (the paper's),
            `median` or `class_level`.
        byzantine: how many clients, the first ones, send logits of `label_shift`.

    Returns:
        The aggregation.

    Source: Li and Wang 2019, arXiv 1910.03581, algorithm 1.
    """

    def aggregation(config, params, clients, key):
        sent = federated.client_logits(config, params, clients.public)
        sent = jnp.concatenate([label_shift(sent[:byzantine]), sent[byzantine:]])
        counts = class_counts(clients, sent.shape[-1])
        agreed, keys = consensus(sent, counts), jax.random.split(key, len(sent))

        def of_group(model, params, keys):
            return jax.vmap(
                lambda p, k: distillation.distill(config, model, clients.public, p, agreed, k)
            )(params, keys)

        parts = zip(params, federated.by_group(config, keys))
        return tuple(of_group(model, p, k) for p, (model, k) in parts), {}

    return aggregation


def class_counts(clients: ClientData, classes: int) -> Int[Array, "K C"]:
    """n_kc, how many rows of each class every client has."""

    def of_client(rows, count):
        own = jnp.arange(len(rows)) < count
        return jnp.zeros(classes, jnp.int32).at[clients.labels[rows]].add(own)

    return jax.vmap(of_client)(clients.rows, clients.counts)


def mean(logits: Float[Array, "K P C"], counts: Any = None) -> Float[Array, "P C"]:
    """The mean over clients, whatever their class counts."""
    return jnp.mean(logits, 0)


def class_level(logits: Float[Array, "K P C"], counts: Int[Array, "K C"]) -> Float[Array, "P C"]:
    """Class-level ensemble: each client's logit of a class is weighted by its rows of that class.

    z_c = Σ_k n_kc (z_kc − z̄_k)/Σ_k n_kc, with z̄_k the mean of a client's logits over classes: what
    is added to all logits of one client changes none of its predictions, and nothing here either.
    A class that nobody has gets the plain mean. In the source an input is generated for a class,
    whose weights n_kc/Σ_k n_kc all logits of client k get; public inputs have no class.

    Args:
        logits: z_k, of all clients.
        counts: n_kc, which clients send once; they tell the server who has which classes.

    Source: Zhang et al. 2022 (FedFTG), arXiv 2203.09249.
    """
    centered = logits - jnp.mean(logits, -1, keepdims=True)
    known = jnp.where(jnp.sum(counts, 0) > 0, counts, 1)
    return jnp.einsum("kpc,kc->pc", centered, known / jnp.sum(known, 0))


def median(logits: Float[Array, "K P C"], counts: Any = None) -> Float[Array, "P C"]:
    """The coordinate-wise median over clients, which few Byzantine ones cannot move far.

    Source: Yin et al. 2018, arXiv 1803.01498, definition 1 (of gradients there).
    """
    return jnp.median(logits, 0)


def label_shift(logits: Float[Array, "... C"]) -> Float[Array, "... C"]:
    """The label-shift attack: the logit of class c is sent as that of c + 1 modulo C."""
    return jnp.roll(logits, 1, axis=-1)


def no_bytes(config: FederatedConfig, public: int, classes: int) -> int:
    """Bytes of a round in which nobody sends anything: 0."""
    return 0


def bytes_of_weights(config: FederatedConfig, public: int, classes: int) -> int:
    """Bytes that all clients send and receive in a round of float32 weights."""
    each = (
        count * cost.size_bytes(jax.eval_shape(model.init, jax.random.key(0)))
        for model, count in config.groups
    )
    return 2 * sum(each)


def bytes_of_logits(config: FederatedConfig, public: int, classes: int) -> int:
    """Bytes that all clients send and receive in a round of float32 logits on `public` inputs."""
    return 2 * 4 * sum(count for _, count in config.groups) * public * classes


def _servers(config, params, clients, key, server):
    """The server of each group for all its clients: server(model, average, consensus, key)."""
    consensus = jnp.mean(federated.client_logits(config, params, clients.public), 0)
    keys = jax.random.split(key, len(config.groups))
    for of_group, key, (model, n) in zip(params, keys, federated.by_group(config, clients.counts)):
        yield federated.broadcast(server(model, _mean(of_group, n), consensus, key), len(n))


def _mean(params, counts):
    """Σ_k n_k θ_k / Σ_k n_k of parameters [K, …]."""
    weights = counts / jnp.sum(counts)
    return jax.tree.map(lambda x: jnp.tensordot(weights, x, 1), params)
