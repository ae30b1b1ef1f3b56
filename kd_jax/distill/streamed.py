"""Students of rows that stay on disk: batches are read ahead, and all seeds see the same ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kd_jax.errors import require
from kd_jax.runtime.execution import Execution


class Source:
    """Rows {name: array} as a source of grain."""

    def __init__(self, data: Mapping[str, Any]):
        """The rows of arrays.

        Args:
            data: {name: [N, …]}, in memory or data.disk_rows.DiskRows.
        """
        self.data = data

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[int]) -> list[dict[str, np.ndarray]]:
        found = {name: np.asarray(x[np.asarray(rows)]) for name, x in self.data.items()}
        return [{name: x[place] for name, x in found.items()} for place in range(len(rows))]


def fit(
    loss_fn: Callable,
    optimizer: Any,
    state: Any,
    data: Mapping[str, Any],
    sampler: Callable,
    *,
    epochs: int,
    numbers: Mapping[str, np.ndarray],
    report: Callable,
    execution: Execution,
    **others: Any,
) -> tuple[Any, dict[str, np.ndarray]]:
    """Train a grid of students as loop.fit does, on rows that are read from disk.

    Args:
        loss_fn: As for loop.fit.
        optimizer: As for loop.fit.
        state: As for loop.fit.
        data: {name: [N, …]}.
        sampler: As for loop.fit; it is asked with the seed 0 for all.
        epochs: As for loop.fit.
        numbers: As for loop.fit.
        report: As for loop.fit.
        execution: As for loop.fit.
        **others: Of loop.fit, None each: rows, orders or views of a seed's own cannot be streamed.

    Raises:
        InputError: One of these is given.
    """
    from kd_jax.training import streaming  # here, as it needs grain

    given = [name for name, value in others.items() if value is not None]
    require(not given, f"rows on disk cannot have {', '.join(given)}: read them into memory")
    stream = streaming.Stream(Source(data), sampler)
    return streaming.fit(
        loss_fn, optimizer, state, stream,
        epochs=epochs, numbers=dict(numbers), report=report, execution=execution,
    )  # fmt: skip
