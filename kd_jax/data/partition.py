"""Partitions of data: disjoint parts, Dirichlet label skew of federated clients, their batches."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from kd_jax.data.dataset import Split
from kd_jax.errors import InputError, require

DRAWS = 1000  # of shares, before too few rows count as impossible


def dirichlet(
    labels: Int[np.ndarray, " N"], clients: int, alpha: float, seed: int, *, least: int = 1
) -> list[Int[np.ndarray, " n"]]:
    """Partition rows among clients: each class is split in shares drawn from Dirichlet(α, …, α).

    Small α gives each client few classes and clients of very different sizes; large α gives all
    the same distribution. Shares are drawn again until every client has `least` rows.

    Args:
        labels: of all rows.
        clients: how many.
        alpha: concentration α, finite and above 0.
        seed: of the draw.
        least: rows that every client has at least.

    Returns:
        The row numbers of each client, ascending; together they hold every row once.

    Raises:
        InputError: a bad α, or no draw gives every client enough rows.

    Source: Yurochkin et al. 2019, arXiv 1905.12022, section 4.
    """
    require(0 < alpha < float("inf"), f"alpha is {alpha:g}: expected a finite number above 0")
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        pieces: list = [[] for _ in range(clients)]
        for number in np.unique(labels):
            rows = random.permutation(np.flatnonzero(labels == number))
            ends = np.cumsum(random.dirichlet(np.full(clients, alpha))) * len(rows)
            for piece, own in zip(pieces, np.split(rows, ends[:-1].round().astype(int))):
                piece.append(own)
        parts = [np.sort(np.concatenate(piece)) for piece in pieces]
        if min(map(len, parts)) >= least:
            return parts
    raise InputError(
        f"{len(labels)} rows for {clients} clients at alpha {alpha:g}: one always has fewer than "
        f"{least}; take more rows, fewer clients or a larger alpha"
    )


def disjoint(split: Split, sizes: Mapping[str, int], seed: int) -> list[Split]:
    """Disjoint random parts of a split.

    Args:
        split: to draw from.
        sizes: {flag: rows} of each part.
        seed: of the draw.

    Raises:
        InputError: the split has fewer rows.
    """
    ends, known = np.cumsum(list(sizes.values())), len(split.labels)
    flags = ", ".join(f"--{name}" for name in sizes)
    require(ends[-1] <= known, f"{flags} are {ends[-1]} rows in all: there are {known}")
    drawn = np.split(np.random.default_rng(seed).permutation(known), ends)[:-1]
    return [Split(split.inputs[rows], split.labels[rows]) for rows in drawn]


def padded(
    parts: Sequence[Int[np.ndarray, " n"]], length: int
) -> tuple[Int[np.ndarray, "K length"], Int[np.ndarray, " K"]]:
    """Row numbers of K clients of different sizes as one array.

    Args:
        parts: the row numbers of each client.
        length: of a line, at least that of the largest client.

    Returns:
        Rows, filled up with −1, which `sample` never draws, and how many each client has.
    """
    rows = np.full((len(parts), length), -1, np.int32)
    for line, part in zip(rows, parts):
        line[: len(part)] = part
    return rows, np.array([len(part) for part in parts], np.int32)


def sample(
    key: Array, rows: Int[Array, " M"], count: Int[Array, ""], size: int
) -> Int[Array, " size"]:
    """A client's batch: `size` of its first `count` rows, drawn with replacement.

    So clients of any size take as many steps, all of one shape.

    Args:
        key: of the draw.
        rows: a line of `padded`.
        count: how many of them are the client's.
        size: of the batch.
    """
    return jnp.take(rows, jax.random.randint(key, (size,), 0, count), axis=0)
