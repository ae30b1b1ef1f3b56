"""Students of a reasoning task: every arm over numbers of problems and seeds.

All arms begin, seed by seed, with the same parameters, take the same number of steps and draw the
same problems at every step.
"""

import functools
from typing import Any, NamedTuple

import numpy as np

from experiments.reasoning import pools, training
from experiments.reasoning.arms import ReasoningArm
from experiments.reasoning.config import CHUNKS
from kd_jax.errors import require
from kd_jax.language import objectives, student_loss, teacher_outputs
from kd_jax.runtime import parallel
from kd_jax.runtime.execution import DEFAULT
from kd_jax.training import state as train_state

SFT = objectives.Objective("SFT before on-policy", objectives.labels)


class FittedArm(NamedTuple):
    """Students of an arm: params [M, …], loss [M] of the last chunk, tokens [M] learned from.

    diverged [M]: the first step with a non-finite loss, or −1.
    """

    params: Any
    loss: np.ndarray
    tokens: np.ndarray
    diverged: np.ndarray


class Students:
    """Trains the students of a task: one per number of problems in `sizes` and seed."""

    def __init__(self, task, sizes, keys, order, settings, cache, sampled, execution=DEFAULT):
        """The pools and members of all arms.

        Args:
            task: a ReasoningTask.
            sizes: numbers of problems.
            keys: [S], one per seed.
            order: the key of what is drawn at every step.
            settings: TrainingSettings.
            cache: the TeacherCache of the task's teacher.
            sampled: pools.Sampled.
            execution: of the training that restarted arms share, as for loop.fit.

        Raises:
            InputError: a number of problems has none that the teacher solves.
        """
        self.task, self.settings, self.cache, self.sampled = task, settings, cache, sampled
        self.pools = pools.of_solved(task.train.prompts, task.solutions, sampled)
        numbers, problems = np.meshgrid(np.arange(len(keys)), sizes)
        self.seeds, self.sizes = numbers.ravel(), problems.ravel()
        self.counts = np.searchsorted(sampled.solved, self.sizes)
        require(
            self.counts.all(),
            f"--sizes: the teacher solves none of the first {min(sizes)} problems: give more",
        )
        self.keys, self.order = train_state.at(keys, self.seeds), order
        # arms may be trained side by side: the parameters [M, …] that all begin with, and SFT's
        self.start = parallel.once(lambda: task.start(self.keys))
        self.after_sft = parallel.once(functools.partial(self._after_sft, execution))

    def members(self, arm):
        """The numbers [m] of the members that an arm has students of."""
        return np.flatnonzero((self.sizes == self.sizes.max()) | (not arm.equal_tokens))

    def _after_sft(self, execution):
        """The FittedArm on one right chain per problem that restarted arms go on with."""
        steps = self.settings.steps - self.settings.on_policy_steps
        arm = ReasoningArm(pools.ONE, SFT)
        return self._phase(arm, self.settings._replace(steps=steps), self.start(), execution)

    def equal_steps(self, pool):
        """In how many steps texts of a pool have, in the mean, as many tokens as right chains."""
        chain, own = (
            self.pools[name].texts.answers.mask.sum(1).mean() for name in (pools.ONE, pool)
        )
        return max(1, round(self.settings.steps * chain / own / CHUNKS)) * CHUNKS

    def fit(self, arm, execution=DEFAULT):
        """The FittedArm of an arm's members; execution: as for loop.fit."""
        settings = self.settings
        if arm.stopped:
            return self.after_sft()
        if arm.restarted:
            last, rate = settings.on_policy_steps, settings.learning_rate
            rate *= settings.slow_rate_factor if arm.slow else 1
            rest = settings._replace(steps=last, learning_rate=rate)
            ended = self._phase(arm, rest, self.after_sft().params, execution)
            return joined(self.after_sft(), ended, settings.steps - last)
        steps = self.equal_steps(arm.pool) if arm.equal_tokens else settings.steps
        mine = self.members(arm)
        start = train_state.at(self.start(), mine)
        return self._phase(arm, settings._replace(steps=steps), start, execution)

    def _phase(self, arm, settings, start, execution=DEFAULT):
        objective, pool, mine = arm.objective, self.pools[arm.pool], self.members(arm)
        teacher, student = self.task.teacher, self.task.student
        read: Any = ()
        on_policy = None
        if objective.term is objectives.labels:  # so arms of all pools of chains are one program
            pool = pool.among or pool
        rows = {"texts": pool.texts}
        if objective.term is not objectives.labels:
            rows["hidden"] = self.cache.hidden(pool.texts)
            read = teacher_outputs.read_out(teacher.params, teacher.net.variant.logits_cap)
        if objective.on_policy_fraction:  # its own texts are new: the whole teacher reads them
            read, fraction = teacher.params | read, objective.on_policy_fraction
            on_policy = student_loss.on_policy(student, teacher.net, fraction, teacher.stop)
        sampler = training.sampler(
            self.order, self.seeds[mine], self.counts[mine], pool.chains, settings
        )
        params, curves, diverged = training.fit(
            f"{len(mine)} × {objective.row}", student, objective, start, self.keys[mine], rows,
            sampler, settings, read, on_policy=on_policy, execution=execution,
        )  # fmt: skip
        tokens = curves["tokens"].mean(0) * settings.steps
        return FittedArm(params, curves["loss"][-1], tokens, diverged)

    def known(self, arm):
        """[{"problems", "seed", "teacher_generated", "teacher_scored"}] of an arm's students.

        Generated are the chains that the teacher sampled, until one was right or all; scored the
        chains whose every token it predicted.
        """
        sizes, seeds, counts = (x[self.members(arm)] for x in (self.sizes, self.seeds, self.counts))
        tries, count = self.sampled.tries(), len(self.sampled.samples)
        generated = {pools.ONE: [tries[:size].sum() for size in sizes]}
        generated |= dict.fromkeys((pools.SEVERAL, pools.UNFILTERED), sizes * count)
        scored = np.zeros_like(sizes)
        if arm.objective.on_policy_fraction:
            scored += self.settings.on_policy_steps * self.settings.batch_size
        elif arm.objective.term is not objectives.labels:
            scored = counts
        columns = sizes, seeds, generated.get(arm.pool, np.zeros_like(sizes)), scored
        names = "problems", "seed", "teacher_generated", "teacher_scored"
        return [dict(zip(names, map(int, row))) for row in zip(*columns)]


def joined(first, then, steps):
    """The FittedArm of a second phase, its tokens and steps counted from the first one's."""
    later = np.where(then.diverged < 0, -1, steps + then.diverged)
    diverged = np.where(first.diverged < 0, later, first.diverged)
    return then._replace(tokens=first.tokens + then.tokens, diverged=diverged)
