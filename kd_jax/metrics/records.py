"""Records of trained networks: one JSON-like dict per network, its metrics or its divergence."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped


def seed_records(
    row: str,
    metrics: dict[str, Shaped[np.ndarray, "S ..."]],
    diverged: Int[np.ndarray, " S"] | None = None,
    **more: Any,
) -> list[dict[str, Any]]:
    """One record for each seed of a row.

    Args:
        row: Name of the row.
        metrics: By name, one value per seed.
        diverged: First step with a non-finite loss, or −1.
        **more: Fields that all seeds share.

    Returns:
        Records as `network_record` gives them.
    """
    count = len(next(iter(metrics.values())))

    def of_seed(seed):
        return {name: values[seed].tolist() for name, values in metrics.items()}

    lost = np.full(count, -1) if diverged is None else diverged
    return [
        network_record(
            {"row": row, **more, "seed": seed}, functools.partial(of_seed, seed), lost[seed]
        )
        for seed in range(count)
    ]


def network_record(
    known: dict[str, Any], measure: Callable[[], dict[str, Any]], diverged: int = -1
) -> dict[str, Any]:
    """Record of one network: its known fields and its measured metrics.

    Args:
        known: Fields that identify it.
        measure: () -> {name: value}; not called for a network that diverged.
        diverged: First step with a non-finite loss, or −1.

    Returns:
        The fields and the metrics. Instead of metrics {"diverged": step} if it diverged, and
        {"diverged": None} if a metric is not a finite number.
    """
    lost = diverged >= 0
    found = {} if lost else measure()
    if lost or not all(map(_finite, found.values())):
        found = {"diverged": int(diverged) if lost else None}
    return {**known, **found}


def _finite(values: Any) -> bool:
    """Whether all are finite numbers, or none is a float: names and counts always are."""
    return np.asarray(values).dtype.kind != "f" or bool(np.isfinite(values).all())
