"""Methods in several steps: each step's students teach the next, seed by seed."""

from typing import NamedTuple

import jax

from kd_jax import models
from kd_jax.distill import methods
from kd_jax.distill.methods import training


def through(pair, steps, keys, snapshots_of, keep):
    """The records of every Step; the first learns from the pair's teacher, the next from it.

    Args: keys [S]; snapshots_of: row -> Snapshots; keep: (step, its network, params [S, …]) of
      the students of every row.
    """
    found, own = [], None
    for step in steps:
        here = pair._replace(student=step.network) if step.network else pair
        snapshots = snapshots_of(step.method.row)
        begin = keys if step.draw == 0 else _others(keys, step.draw)
        params = training.fit(here, step.method, begin, own=own, snapshots=snapshots)
        chosen = training.choose(here, step.method, params)
        if step.shown:
            keep(step, here.student, chosen.params)
            found += chosen.records
        own = training.logits_of(here, chosen.params)
        snapshots.clear()
    return found


def _others(keys, draw):
    return jax.vmap(lambda key: jax.random.fold_in(key, draw))(keys)


class Step(NamedTuple):
    """One training of a chain.

    network: None for the pair's student. draw: 0 begins where every method begins, another number
    where none does. shown: whether it is a row of the table.
    """

    method: methods.Method
    network: models.Model | None = None
    draw: int = 0
    shown: bool = True


def born_again(labels, kd):
    """Steps of born-again networks: labels, then generations that each learn from the one before.

    All have the student's form and begin anew: one that begins where its teacher began finds
    itself there again and learns nothing. The last begins where the other methods do.
    Source: Furlanello et al. 2018, arXiv 1805.04770, section 3.
    """
    rows = [f"born again, generation {number} (BAN)" for number in range(3)]
    first = Step(labels._replace(row=rows[0]), draw=2, shown=False)
    return [first, Step(kd._replace(row=rows[1]), draw=1), Step(kd._replace(row=rows[2]))]


def assistant(network, kd):
    """Steps of a teacher assistant: a network of middle size learns, then teaches the student.

    Source: Mirzadeh et al. 2019, arXiv 1902.03393, section 3.
    """
    last = kd._replace(row="through an assistant (TAKD)")
    return [Step(kd._replace(row="assistant itself"), network), Step(last)]
