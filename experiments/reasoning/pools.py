"""Texts that students learn from: answers, human solutions, a teacher's chains of thought.

Of a teacher's chains those with the right answer are used (rejection sampling: Zelikman et al.
2022, arXiv 2203.14465, section 3.1; Yuan et al. 2023, arXiv 2308.01825). Problems of which it
solves none are left out of every pool: all students learn from the same problems.
"""

from typing import NamedTuple

import numpy as np

from experiments.reasoning import answering
from kd_jax.data.padding import Tokens
from kd_jax.errors import require
from kd_jax.language.tokens import Texts

ONE, SEVERAL, UNFILTERED = "one right chain", "right chains", "chains, right or wrong"


class Pool(NamedTuple):
    """texts: Texts [R, …]; chains [N, K]: which rows of them belong to each of N problems.

    Where there are such, among: the same among the texts of a larger pool, in its shapes.
    """

    texts: Texts
    chains: np.ndarray
    among: "Pool | None" = None


class Sampled(NamedTuple):
    """samples: [K] Tokens [N, A], one answer to every problem each; right [K, N]: which are."""

    samples: list
    right: np.ndarray

    @property
    def solved(self):
        """The numbers of the problems that at least one answer solves, ascending."""
        return np.flatnonzero(self.right.any(0))

    def tries(self):
        """How many answers [N] were drawn until one was right, or all."""
        return np.where(self.right.any(0), self.right.argmax(0) + 1, len(self.right))


def judged(samples, read, gold):
    """The Sampled answers of a teacher. Raises: InputError when it solves no problem at all."""
    right = np.stack([answering.right(map(read, each.lists()), gold) for each in samples])
    require(
        right.any(),
        f"the teacher solves none of {len(gold)} problems in {len(samples)} tries: "
        "expected a better teacher, or give more problems",
    )
    return Sampled(samples, right)


def rows_of(right):
    """[N, K]: the numbers of each column's True rows in [K, N], repeated until there are K."""
    count = len(right)
    found = [np.flatnonzero(column) for column in right.T]
    return np.stack([rows[np.arange(count) % len(rows)] for rows in found])


def of_solved(prompts, solutions, sampled):
    """{name: Pool} of N problems that are solved: prompts [N, P], solutions {style: [N, …]}."""
    solved = sampled.solved
    prompts, right = prompts.take(solved), sampled.right[:, solved]
    answers = [each.take(solved) for each in sampled.samples]
    samples, problems = right.shape
    alone = np.arange(problems)[:, None]
    every = Texts(
        Tokens(*(np.concatenate([x] * samples) for x in prompts)),
        Tokens(*(np.concatenate(parts) for parts in zip(*answers))),
    )
    chosen = rows_of(right) * problems + alone
    pools = {
        name: Pool(Texts(prompts, each.take(solved)), alone) for name, each in solutions.items()
    }
    first = Pool(every, np.repeat(chosen[:, :1], samples, axis=1))
    pools[ONE] = Pool(Texts(prompts, every.answers.take(chosen[:, 0])), alone, first)
    pools[SEVERAL] = Pool(every, chosen)
    pools[UNFILTERED] = Pool(every, np.arange(samples) * problems + alone)
    return pools
