"""Students of a task: every arm over numbers of problems and seeds, and what it asked the teacher.

All arms begin, seed by seed, with the same parameters, take the same number of steps and draw the
same problems at every step.
"""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.reasoning import pools, training
from experiments.reasoning.arms import Arm
from kd_jax.errors import require
from kd_jax.language import objectives, student_loss, teacher_outputs

SFT = objectives.Objective("SFT before on-policy", objectives.labels)


class Learnt(NamedTuple):
    """Students of an arm: params [M, …], loss [M] of the last part, tokens [M] learnt from.

    diverged [M]: at which step one lost its loss, −1 for never.
    """

    params: Any
    loss: np.ndarray
    tokens: np.ndarray
    diverged: np.ndarray


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

    def members(self, arm):
        """The numbers [m] of the members that an arm has students of."""
        return np.flatnonzero((self.sizes == self.sizes.max()) | (not arm.more))

    @functools.cached_property
    def start(self):
        """The parameters [M, …] that all arms begin with."""
        return self.task.start(self.keys)

    @functools.cached_property
    def begun(self):
        """The Learnt on one right chain per problem that on-policy arms go on with."""
        first = self.plan._replace(steps=self.plan.steps - self.plan.own)
        return self._phase(Arm(pools.ONE, SFT), first, self.start)

    def as_many(self, pool):
        """In how many steps texts of a pool have, in the mean, as many tokens as right chains."""
        chain, own = (
            self.pools[name].texts.answers.mask.sum(1).mean() for name in (pools.ONE, pool)
        )
        parts = training.PARTS
        return max(1, round(self.plan.steps * chain / own / parts)) * parts

    def fit(self, arm, snapshots=None):
        """The Learnt of an arm's members; snapshots: see train.fit."""
        if arm.objective.share:
            rest = self.plan._replace(steps=self.plan.own, rate=self.plan.rate * arm.pace)
            ended = self._phase(arm, rest, self.begun.params, snapshots)
            return joined(self.begun, ended, self.plan.steps - self.plan.own)
        steps = self.as_many(arm.pool) if arm.more else self.plan.steps
        mine = self.members(arm)
        start = jax.tree.map(lambda x: x[mine], self.start)
        return self._phase(arm, self.plan._replace(steps=steps), start, snapshots)

    def _phase(self, arm, plan, start, snapshots=None):
        objective, pool, mine = arm.objective, self.pools[arm.pool], self.members(arm)
        asked, student = self.task.teacher, self.task.student
        rows, read, writes = {"texts": pool.texts}, (), None
        if objective.term is not objectives.labels:
            rows["hidden"] = self.kept.hidden(pool.texts)
            read = teacher_outputs.read_out(asked.params)
        if objective.share:  # its own texts are new: the whole teacher reads them
            read = asked.params
            writes = student_loss.on_policy(student, asked.net, objective.share, asked.stop)
        drawn = training.order(
            jax.random.key(7), self.seeds[mine], self.counts[mine], pool.chains, plan
        )
        label = f"{len(mine)} × {objective.row}"
        params, curves, diverged = training.fit(
            label, student, objective, start, self.keys[mine], rows, drawn, plan, read, writes,
            snapshots,
        )  # fmt: skip
        tokens = curves["tokens"].mean(0) * plan.steps
        return Learnt(params, curves["loss"][-1], tokens, diverged)

    def places(self, arm):
        """[{"problems", "seed", "teacher_writes", "teacher_reads"}] of each student of an arm.

        Writes are the chains that the teacher was asked for, until one was right or all; reads the
        chains whose every token it predicted.
        """
        sizes, seeds, counts = (x[self.members(arm)] for x in (self.sizes, self.seeds, self.counts))
        tries, count = self.sampled.tries(), len(self.sampled.samples)
        writes = {pools.ONE: [tries[:size].sum() for size in sizes]}
        writes |= dict.fromkeys((pools.SEVERAL, pools.UNSORTED), sizes * count)
        reads = np.zeros_like(sizes)
        if arm.objective.share:
            reads += self.plan.own * self.plan.batch
        elif arm.objective.term is not objectives.labels:
            reads = counts
        columns = sizes, seeds, writes.get(arm.pool, np.zeros_like(sizes)), reads
        names = "problems", "seed", "teacher_writes", "teacher_reads"
        return [dict(zip(names, map(int, row))) for row in zip(*columns)]


def joined(first, then, steps):
    """The Learnt of a second phase, its tokens and steps counted from the first one's begin on."""
    later = np.where(then.diverged < 0, -1, steps + then.diverged)
    diverged = np.where(first.diverged < 0, later, first.diverged)
    return then._replace(tokens=first.tokens + then.tokens, diverged=diverged)
