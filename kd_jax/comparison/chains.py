"""Methods in several steps: each step's students teach the next, seed by seed."""

from kd_jax.comparison import training


def through(pair, steps, keys, snapshots_of):
    """The records of every step; the first learns from the pair's teacher, the next from it.

    Args: steps: [(network, or None for the pair's student; method)]; keys [S]; snapshots_of: row ->
      Snapshots.
    """
    found, own = [], None
    for network, method in steps:
        here = pair._replace(student=network) if network else pair
        snapshots = snapshots_of(method.row)
        params = training.fit(here, method, keys, own=own, snapshots=snapshots)
        chosen = training.choose(here, method, params)
        found += chosen.records
        own = training.logits_of(here, chosen.params)
        snapshots.clear()
    return found


def born_again(labels, kd):
    """Steps of born-again networks: labels, then generations that each learn from the one before.

    Every generation has the student's form and begins where its seed's first one began.
    Source: Furlanello et al. 2018, arXiv 1805.04770, section 3.
    """
    rows = (f"born again, generation {number} (BAN)" for number in (1, 2))
    return [(None, labels), *((None, kd._replace(row=row)) for row in rows)]


def assistant(network, kd):
    """Steps of a teacher assistant: a network of middle size learns, then teaches the student.

    Source: Mirzadeh et al. 2019, arXiv 1902.03393, section 3.
    """
    last = kd._replace(row="through an assistant (TAKD)")
    return [(network, kd._replace(row="assistant itself")), (None, last)]
