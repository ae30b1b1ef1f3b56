"""Records of trained networks: one JSON-like dict per network, its metrics or that it diverged."""

import functools

import numpy as np


def of_metrics(row, metrics, diverged=None, **more):
    """One record per seed of a row.

    Args: metrics {name: [S, …]}; diverged [S]: the step at which a network lost its loss, −1 for
      never; more: what all seeds share. See `of_network`.
    """
    count = len(next(iter(metrics.values())))

    def of_seed(seed):
        return {name: values[seed].tolist() for name, values in metrics.items()}

    lost = np.full(count, -1) if diverged is None else diverged
    return [
        of_network({"row": row, **more, "seed": seed}, functools.partial(of_seed, seed), lost[seed])
        for seed in range(count)
    ]


def of_network(known, measure, diverged=-1):
    """The record of one network: what is known of it and what measure() -> {name: value} finds.

    Args: diverged: the step at which it lost its loss, −1 for never. A network that diverged is
      not measured; it, or one with a measure that is not a finite number, gets a record that says
      so, {"diverged": step, or None}, in place of measures.
    """
    lost = diverged >= 0
    found = {} if lost else measure()
    if lost or not all(map(_finite, found.values())):
        found = {"diverged": int(diverged) if lost else None}
    return {**known, **found}


def _finite(values):
    """Whether all are finite numbers, or none is a float: names and counts always are."""
    return np.asarray(values).dtype.kind != "f" or bool(np.isfinite(values).all())
