"""Training on texts of which members see different numbers, all in one program."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.reasoning.config import CHUNKS
from kd_jax.language import student_loss
from kd_jax.runtime.execution import DEFAULT
from kd_jax.training import loop
from kd_jax.training import state as train_state


class TrainingSettings(NamedTuple):
    """How networks learn: in so many steps of a batch of texts each, at a peak rate.

    optimizer: (peak rate, steps) -> one of optax; on_policy_steps: the last ones, in which students
    of an on-policy objective learn from texts that they write themselves; slow_rate_factor: of the
    learning rate in these, where an arm is slow.
    """

    steps: int
    batch_size: int
    learning_rate: float
    optimizer: Callable
    on_policy_steps: int = 0
    slow_rate_factor: float = 1.0


def sampler(key, seeds, counts, chains, settings):
    """sampler(member, chunk) -> rows [steps / CHUNKS, batch size] of a Pool.

    A batch has problems drawn with replacement from a member's first ones, and for each one of its
    texts, so members of any number of problems are one program of the same steps. Members of a
    seed draw alike: their batches differ by the number of problems alone.

    Args:
        key: of all draws.
        seeds: [M].
        counts: [M], how many of the pool's N problems a member sees.
        chains: [N, K] of the Pool.
        settings: TrainingSettings.
    """
    leaves = (jax.device_put(np.int32(x)) for x in (seeds, counts, chains))
    return Partial(_rows(settings.steps // CHUNKS, settings.batch_size), key, *leaves)


@functools.lru_cache(maxsize=64)  # one function of each size, by which programs are told apart
def _rows(*shape):
    def rows(key, seeds, counts, chains, member, chunk):
        drawn = jax.random.fold_in(jax.random.fold_in(key, seeds[member]), chunk)
        of_problem, of_chain = jax.random.split(drawn)
        place = jax.random.uniform(of_problem, shape)  # below 1, but a product may round up
        problem = jnp.minimum((place * counts[member]).astype(jnp.int32), counts[member] - 1)
        return chains[problem, jax.random.randint(of_chain, shape, 0, chains.shape[1])]

    return rows


@functools.lru_cache(maxsize=8)  # arms of one loss and like shapes share a program
def _loss(net, objective, on_policy):
    return student_loss.loss(net, objective, on_policy=on_policy)


def fit(
    label, net, objective, start, keys, rows, sampler, settings, teacher, *,
    on_policy=None, execution=DEFAULT,
):  # fmt: skip
    """Train members that differ by parameters and by the rows that they see.

    Args:
        label: of the progress bar.
        net: their Llama.
        objective: what they learn.
        start: parameters [M, …].
        keys: [M].
        rows: {name: leaves [R, …]}.
        sampler: of `sampler`.
        settings: TrainingSettings.
        teacher: what the objective reads the teacher's logits with.
        on_policy: of student_loss.on_policy, when members learn from texts of their own.
        execution: as for loop.fit.

    Returns:
        (parameters [M, …], curves {name: [CHUNKS, M]}, train_state.diverged [M]).
    """
    optimizer = settings.optimizer(settings.learning_rate, settings.steps)
    with execution.bar(label, CHUNKS) as report:
        state, curves = loop.fit(
            _loss(net, objective._replace(row=""), on_policy), optimizer,
            train_state.copies(train_state.stateless(start), optimizer, keys), rows, sampler,
            epochs=CHUNKS, shared={"teacher": teacher}, report=report, execution=execution,
        )  # fmt: skip
    curves = {name: np.asarray(x)[..., 0] for name, x in curves.items()}
    return train_state.arm_variables(state)["params"], curves, train_state.diverged(state)[:, 0]
