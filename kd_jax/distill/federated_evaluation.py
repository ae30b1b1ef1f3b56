"""Evaluation of a federation: test accuracies of its clients, and how far they drift."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from kd_jax.data import Split
from kd_jax.distill.federated import FederatedConfig
from kd_jax.metrics import classification


def accuracies(
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
    own, seen = (_logits(config, params, test) for params in (before, after))
    accuracy = np.asarray(classification.measure(seen, test.labels)["accuracy"])
    ensemble = classification.measure(own.mean(1), test.labels)
    return {
        "test_accuracy": accuracy.mean(1),
        "worst_accuracy": accuracy.min(1),
        "client_accuracy": np.asarray(classification.measure(own, test.labels)["accuracy"]).mean(1),
        "ensemble_accuracy": np.asarray(ensemble["accuracy"]),
    }


def client_drift(
    config: FederatedConfig, after: tuple, drifted: tuple, test: Split
) -> dict[str, Float[np.ndarray, " S"]]:
    """Client drift: what local steps after the last aggregation make of what clients were given.

    Where labels are skewed each client moves towards the optimum of its own rows.

    Args:
        config: of the federation.
        after: parameters x_k after the last aggregation, as `fit` returned them.
        drifted: parameters y_k after the local steps of `federated.train_on`.
        test: the Split.

    Returns:
        {metric: [S]}, means over clients. drifted_accuracy: test accuracy of y_k. drift_agreement:
        the fraction of the test inputs that x_k and y_k give the same class.
        client_drift: ‖y_k − x_k‖², of all weights.

    Source: Karimireddy et al. 2020 (SCAFFOLD), arXiv 1910.06378; the distance is that of
    their proofs, there a mean over the local steps, here after the last of them.
    """
    one, other = (_logits(config, params, test) for params in (after, drifted))
    accuracy = np.asarray(classification.measure(other, test.labels)["accuracy"])
    same = classification.most_probable(one) == classification.most_probable(other)
    return {
        "drifted_accuracy": accuracy.mean(1),
        "drift_agreement": same.mean((1, 2)),
        "client_drift": np.concatenate(
            [_distance(*pair) for pair in zip(after, drifted)], axis=1
        ).mean(1),
    }


def _logits(config: FederatedConfig, params: tuple, test: Split) -> Float[np.ndarray, "S K N C"]:
    """The logits of every client of every seed."""
    groups = zip(config.groups, params)
    each = (classification.predict(net.apply, p, test.inputs) for (net, _), p in groups)
    return np.concatenate([*each], axis=1)


def _distance(ours: Any, theirs: Any) -> Float[np.ndarray, "S K"]:
    """The squared distance between the weights of two groups, client by client."""
    pairs = zip(*(jax.tree.leaves(x["params"]) for x in (ours, theirs)), strict=True)
    return np.sum(
        [
            np.sum(np.square(np.float64(a) - np.float64(b)), axis=tuple(range(2, np.ndim(a))))
            for a, b in pairs
        ],
        axis=0,
    )
