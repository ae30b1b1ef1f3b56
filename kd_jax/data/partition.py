"""Clients: who has which rows of the training data, and how one draws batches of its own."""

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.errors import InputError, require

DRAWS = 1000  # of shares, before too few rows count as impossible


def dirichlet(labels, clients, alpha, seed, *, least=1):
    """Row numbers of each client, the rows of every class dealt out in shares ~ Dirichlet(α, …, α).

    Small α gives each client few classes and clients of very different sizes; large α gives all
    the same. Shares are drawn again until every client has `least` rows.
    Args: labels [N]; alpha > 0; seed of the draw. Returns: a list of ascending arrays, which
      together hold every row once.
    Raises: InputError on a bad α, or when no draw gives everyone enough rows.
    Source: Yurochkin et al. 2019, arXiv 1905.12022, section 4.
    """
    require(0 < alpha < float("inf"), f"alpha is {alpha:g}: expected a finite number above 0")
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        pieces = [[] for _ in range(clients)]
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


def table(parts, length):
    """(rows [K, length], counts [K]): clients of different sizes as one array.

    After a client's own rows stands −1, which `drawn` never takes. Args: parts: K arrays.
    """
    rows = np.full((len(parts), length), -1, np.int32)
    for line, part in zip(rows, parts):
        line[: len(part)] = part
    return rows, np.array([len(part) for part in parts], np.int32)


def drawn(key, rows, count, size):
    """`size` of the first `count` rows [M], drawn with replacement: a batch of one client.

    So clients of any size take steps of one shape, and as many as the others.
    """
    return jnp.take(rows, jax.random.randint(key, (size,), 0, count), axis=0)
