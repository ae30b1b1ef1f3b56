"""Methods in several steps (born-again networks, teacher assistant): students teach the next."""

from collections.abc import Sequence
from typing import NamedTuple

import jax

from experiments.compare_methods.rows import ASSISTANT
from kd_jax import models
from kd_jax.distill import methods
from kd_jax.distill.methods import selection, training


class Step(NamedTuple):
    """One training of a chain.

    network: None for the pair's student. draw: 0 begins where every method begins, another number
    where none does. shown: whether it is a row of the table.
    """

    method: methods.Method
    network: models.Model | None = None
    draw: int = 0
    shown: bool = True


def through(pair: training.TeacherStudentPair, steps: Sequence[Step], keys, execution):
    """Train every Step; the first learns from the pair's teacher, each other from the one before.

    Args:
        pair: teacher, student and data.
        steps: of a chain, or one alone.
        keys: [S], one per seed.
        execution: of the whole chain.

    Returns:
        The records and [(step, its network, variables [S, …])] of the steps that are shown.
    """
    records, students, own = [], [], None
    for number, step in enumerate(steps):
        recipe = pair.recipe._replace(model=step.network or pair.recipe.model)
        here = pair._replace(recipe=recipe)
        first = _others(keys, step.draw) if step.draw else keys
        part = execution.part(f"step {number}")
        params = training.fit(here, step.method, first, own=own, execution=part)
        chosen = selection.choose(here, step.method, params)
        if step.shown:
            records += chosen.records
            students.append((step, recipe.model, chosen.variables))
        own = training.logits_of(here, chosen.variables)
    return records, students


def _others(keys, draw):
    return jax.vmap(lambda key: jax.random.fold_in(key, draw))(keys)


def born_again(labels: methods.Method, kd: methods.Method) -> list[Step]:
    """Steps of born-again networks: labels, then generations that each learn from the one before.

    All have the student's architecture and begin anew: one that begins where its teacher began
    finds itself there again and learns nothing. The last begins where the other methods do.

    Source: Furlanello et al. 2018, arXiv 1805.04770, section 3.
    """
    rows = [f"born again, generation {number} (BAN)" for number in range(3)]
    first = Step(labels._replace(row=rows[0]), draw=2, shown=False)
    return [first, Step(kd._replace(row=rows[1]), draw=1), Step(kd._replace(row=rows[2]))]


def assistant(network: models.Model, kd: methods.Method) -> list[Step]:
    """Steps of a teacher assistant: a network of middle size learns, then teaches the student.

    Source: Mirzadeh et al. 2019, arXiv 1902.03393, section 3.
    """
    last = kd._replace(row="through an assistant (TAKD)")
    return [Step(kd._replace(row=ASSISTANT), network), Step(last)]
