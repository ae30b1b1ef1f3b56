"""Aggregation in federated learning: FedAvg, FedDF, FedMD, Byzantine clients, communication cost.

An aggregation is a function (config, params, clients, key) -> params of federated.FederatedConfig
and ClientData; params have a tree with leaves [K, …] for each group of clients. Beside it stands
what a round of it sends, (config, public inputs, classes) -> bytes.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from kd_jax.distill import federated
from kd_jax.distill.federated import ClientData, FederatedConfig
from kd_jax.metrics import cost


def local(config: FederatedConfig, params: tuple, clients: ClientData, key: Any) -> tuple:
    """No aggregation: every client keeps its own parameters."""
    return params


def fedavg(config: FederatedConfig, params: tuple, clients: ClientData, key: Any) -> tuple:
    """Federated averaging: θ ← Σ_k n_k θ_k / Σ_k n_k over the clients of a group, for all of them.

    Args:
        config: of the federation.
        params: θ_k of each group, leaves [K, …].
        clients: `counts` are the n_k, how many rows each has.
        key: not used.

    Returns:
        Parameters as they came in.

    Source: McMahan et al. 2017, arXiv 1602.05629, algorithm 1.
    """
    counts = federated.by_group(config, clients.counts)
    return tuple(federated.broadcast(_mean(p, n), len(n)) for p, (_, n) in zip(params, counts))


def feddf(
    config: FederatedConfig, params: tuple, clients: ClientData, key: Key[Array, ""]
) -> tuple:
    """Ensemble distillation: `fedavg`, then the mean distills the clients' mean logits.

    The clients of all groups are one ensemble, (1/K) Σ_k z_k on the public inputs, which the
    average of each group is distilled from.

    Args:
        config: of the federation.
        params: of each group, leaves [K, …].
        clients: with `public` inputs.
        key: of the batches of the distillation.

    Returns:
        Parameters as they came in.

    Source: Lin et al. 2020, arXiv 2006.07242, algorithms 1 and 3.
    """
    consensus = jnp.mean(federated.client_logits(config, params, clients.public), 0)
    keys = jax.random.split(key, len(config.groups))
    groups, found = federated.by_group(config, clients.counts), []
    for of_group, key, (model, n) in zip(params, keys, groups):
        average = _mean(of_group, n)
        server = federated.distill(config, model, average, clients.public, consensus, key)
        found.append(federated.broadcast(server, len(n)))
    return tuple(found)


def fedmd(
    consensus: Callable[[Float[Array, "K P C"]], Float[Array, "P C"]], byzantine: int = 0
) -> Callable:
    """The aggregation of FedMD: clients send logits on the public set, all distill the consensus.

    Args:
        consensus: of the logits of all clients, `mean` (the paper's) or `median`.
        byzantine: how many clients, the first ones, send logits of `label_shift`.

    Returns:
        The aggregation.

    Source: Li and Wang 2019, arXiv 1910.03581, algorithm 1.
    """

    def aggregation(config, params, clients, key):
        sent = federated.client_logits(config, params, clients.public)
        sent = jnp.concatenate([label_shift(sent[:byzantine]), sent[byzantine:]])
        agreed, keys = consensus(sent), jax.random.split(key, len(sent))

        def of_group(model, params, keys):
            return jax.vmap(
                lambda p, k: federated.distill(config, model, p, clients.public, agreed, k)
            )(params, keys)

        parts = zip(params, federated.by_group(config, keys))
        return tuple(of_group(model, p, k) for p, (model, k) in parts)

    return aggregation


def mean(logits: Float[Array, "K P C"]) -> Float[Array, "P C"]:
    """The mean over clients."""
    return jnp.mean(logits, 0)


def median(logits: Float[Array, "K P C"]) -> Float[Array, "P C"]:
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


def _mean(params, counts):
    """Σ_k n_k θ_k / Σ_k n_k of parameters [K, …]."""
    weights = counts / jnp.sum(counts)
    return jax.tree.map(lambda x: jnp.tensordot(weights, x, 1), params)
