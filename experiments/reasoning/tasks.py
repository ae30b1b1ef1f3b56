"""A reasoning task: problems as arrays, a teacher, and the start of its students."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.data.padding import Tokens
from kd_jax.language.teacher_cache import DecoderTeacher
from kd_jax.language.tokens import Texts


class ProblemSet(NamedTuple):
    """N problems. prompts: Tokens [N, P]; gold [N]: their answers; steps [N]; max_length: tokens
    that whoever answers may write."""

    prompts: Tokens
    gold: list
    steps: list
    max_length: int

    def blank(self):
        """Their Texts with answers that are not written yet, as long as they may be."""
        shape = len(self.gold), self.max_length
        return Texts(self.prompts, Tokens(np.zeros(shape, np.int32), np.zeros(shape, bool)))


def alike(tests):
    """ProblemSets by name, their prompts padded to one width: all share their programs."""
    width = max(each.prompts.ids.shape[1] for each in tests.values())
    longest = max(each.max_length for each in tests.values())

    def wider(each):
        by = (0, 0), (width - each.prompts.ids.shape[1], 0)
        prompts = Tokens(*(np.pad(part, by) for part in each.prompts))
        return each._replace(prompts=prompts, max_length=longest)

    return {name: wider(each) for name, each in tests.items()}


class ReasoningTask(NamedTuple):
    """What students learn, and from whom.

    teacher: a DecoderTeacher. student: a Llama. start: keys [M] -> parameters [M, …] of it.
    optimizer: (peak rate, steps) -> that of the students. train: what they learn from. solutions
    {style: Tokens [N, …]} of it that a human would write. tests {name: ProblemSet}. read: (token
    ids of an answer) -> the answer in it, or None.
    """

    teacher: DecoderTeacher
    student: Any
    start: Callable
    optimizer: Callable
    train: ProblemSet
    solutions: dict
    tests: dict
    read: Callable


def same_start(params):
    """The start of students that all begin with the same parameters."""

    def start(keys):
        return _repeated(params, len(keys))

    return start


@functools.partial(jax.jit, static_argnames="count")
def _repeated(params, count):
    return jax.tree.map(lambda x: jnp.repeat(x[None], count, axis=0), params)
