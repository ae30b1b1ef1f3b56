"""Training on texts of which members see different numbers, all in one program."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.language import student_loss
from kd_jax.runtime import progress
from kd_jax.training import loop
from kd_jax.training import state as train_state

PARTS = 10  # of a training, for the bar and the snapshots


class Plan(NamedTuple):
    """How networks learn: in so many steps of a batch of texts each, at a peak rate.

    rule: (rate, steps) -> optimizer; own: the last steps, if their objective has a share, in which
    students learn from texts that they write themselves.
    """

    steps: int
    batch: int
    rate: float
    rule: Callable
    own: int = 0


def order(key, seeds, counts, chains, plan):
    """order(member, part) -> rows [steps / PARTS, batch] of a Pool, for a Plan.

    A batch has problems drawn with replacement from a member's first ones, and for each one of its
    texts, so members of any number of problems are one program of the same steps. Members of a
    seed draw alike: their batches differ by the number of problems alone.

    Args: seeds [M]; counts [M]: how many of the pool's N problems a member sees; chains [N, K].
    """
    seeds, counts, chains = (jnp.asarray(x, jnp.int32) for x in (seeds, counts, chains))
    shape = plan.steps // PARTS, plan.batch

    def rows(member, part):
        drawn = jax.random.fold_in(jax.random.fold_in(key, seeds[member]), part)
        of_problem, of_chain = jax.random.split(drawn)
        share = jax.random.uniform(of_problem, shape)  # below 1, but a product may round up
        problem = jnp.minimum((share * counts[member]).astype(jnp.int32), counts[member] - 1)
        return chains[problem, jax.random.randint(of_chain, shape, 0, chains.shape[1])]

    return rows


def fit(
    label, net, objective, start, keys, rows, drawn, plan, teacher, writes=None, snapshots=None
):
    """(parameters [M, …], curves {name: [PARTS, M]}, train.diverged [M]) of members that learn.

    Args: start: parameters [M, …]; keys [M]; rows {name: leaves [R, …]}; drawn: an `order` of them;
      plan: a Plan; teacher: what the objective reads the teacher's logits with; writes:
      of learning.on_policy, when members learn from texts of their own.
    """
    optimizer = plan.rule(plan.rate, plan.steps)
    grid = jax.tree.map(lambda x: jnp.array(x)[:, None], start)  # a copy: training takes it
    with progress.bar(label, PARTS) as report:
        state, curves = loop.fit(
            student_loss.loss(net, objective, on_policy=writes), optimizer,
            train_state.grid(grid, optimizer, keys), rows, drawn, epochs=PARTS,
            shared={"teacher": teacher}, report=report, snapshots=snapshots,
        )  # fmt: skip
    curves = {name: np.asarray(x)[..., 0] for name, x in curves.items()}
    return train_state.arm_params(state), curves, train_state.diverged(state)[:, 0]
