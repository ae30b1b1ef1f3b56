"""Students of a task: every arm over numbers of problems and seeds, and what it asked the teacher.

All arms begin, seed by seed, with the same parameters, take the same number of steps and draw the
same problems at every step.
"""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax.errors import require
from kd_jax.language import caches, learning, objectives
from kd_jax.reasoning import pools, training

SFT = objectives.Objective("SFT before on-policy", objectives.labels)
OWN = 4  # the part of the steps, one in so many, in which on-policy students write


class Learnt(NamedTuple):
    """Students of an arm: params [M, …], loss [M] of the last part, tokens [M] learnt from."""

    params: Any
    loss: np.ndarray
    tokens: np.ndarray


class Students:
    """Trains the students of a Task: one per number of problems in `sizes` and seed.

    Args: plan: a training.Plan; kept: the asking.Kept of the teacher; sampled: pools.Sampled.
    Raises: InputError when a number of problems has none that the teacher solves.
    """

    def __init__(self, task, sizes, seeds, plan, kept, sampled):
        self.task, self.plan, self.kept, self.sampled = task, plan, kept, sampled
        self.pools = pools.of(task.train.prompts, task.solutions, sampled)
        numbers, problems = np.meshgrid(np.arange(seeds), sizes)
        self.seeds, self.sizes = numbers.ravel(), problems.ravel()
        self.counts = np.searchsorted(sampled.solved, self.sizes)
        require(
            self.counts.all(),
            f"--sizes: the teacher solves none of the first {min(sizes)} problems: give more",
        )
        self.keys = jax.random.split(jax.random.key(6), seeds)[self.seeds]

    @functools.cached_property
    def start(self):
        """The parameters [M, …] that all arms begin with."""
        return self.task.start(self.keys)

    @functools.cached_property
    def begun(self):
        """The Learnt on one right chain per problem that on-policy arms go on with."""
        first = self.plan._replace(steps=self.plan.steps - self.own)
        return self._phase(SFT, pools.ONE, first, self.start)

    @property
    def own(self):
        """In how many steps the student of an on-policy arm learns from texts of its own."""
        return self.plan.steps // OWN

    def fit(self, arm, snapshots=None):
        """The Learnt of an arm; snapshots: see train.fit."""
        objective = arm.objective
        if not objective.share:
            return self._phase(objective, arm.pool, self.plan, self.start, snapshots)
        rest = self.plan._replace(steps=self.own)
        ended = self._phase(objective, arm.pool, rest, self.begun.params, snapshots)
        return ended._replace(tokens=ended.tokens + self.begun.tokens)

    def _phase(self, objective, name, plan, start, snapshots=None):
        pool, asked, student = self.pools[name], self.task.teacher, self.task.student
        rows, read, writes = {"texts": pool.texts}, (), None
        if objective.term is not objectives.labels:
            rows["hidden"] = self.kept.hidden(pool.texts)
            read = caches.read_out(asked.params)
        if objective.share:  # its own texts are new: the whole teacher reads them
            read = asked.params
            writes = learning.on_policy(student, asked.net, objective.share, asked.stop)
        key = jax.random.key(7)
        drawn = training.order(key, self.seeds, self.counts, pool.chains, plan)
        label = f"{len(self.seeds)} × {objective.row}"
        params, curves = training.fit(
            label, student, objective, start, self.keys, rows, drawn, plan, read, writes, snapshots
        )
        return Learnt(params, curves["loss"][-1], curves["tokens"].mean(0) * plan.steps)

    def calls(self, arm):
        """[{"teacher_writes", "teacher_reads"}] of each student of an arm: chains of the teacher.

        Writes are the chains that it was asked for, until one was right or all; reads the chains
        whose every token it predicted.
        """
        tries, count = self.sampled.tries(), len(self.sampled.samples)
        of_pool = {
            pools.ONE: [int(tries[:size].sum()) for size in self.sizes],
            pools.SEVERAL: (self.sizes * count).tolist(),
            pools.UNSORTED: (self.sizes * count).tolist(),
        }
        reads = [0] * len(self.sizes)
        if arm.objective.share:
            reads = [self.own * self.plan.batch] * len(reads)
        elif arm.objective.term is not objectives.labels:
            reads = self.counts.tolist()
        writes = of_pool.get(arm.pool, [0] * len(reads))
        return [{"teacher_writes": w, "teacher_reads": r} for w, r in zip(writes, reads)]
