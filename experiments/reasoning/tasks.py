"""What an experiment on reasoning is about: problems as arrays, a teacher, a student's start."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.data.padding import Tokens
from kd_jax.language.teacher_cache import Teacher
from kd_jax.language.tokens import Texts


class Asked(NamedTuple):
    """N problems. prompts: Tokens [N, P]; gold [N]: their answers; steps [N]; longest: tokens that
    whoever answers may write."""

    prompts: Tokens
    gold: list
    steps: list
    longest: int

    def blank(self):
        """Their Texts with answers that are not written yet, as long as they may be."""
        shape = len(self.gold), self.longest
        return Texts(self.prompts, Tokens(np.zeros(shape, np.int32), np.zeros(shape, bool)))


class Task(NamedTuple):
    """teacher: see language.asking; student: a Llama; start: keys [M] -> parameters [M, …] of it.

    rule: (peak rate, steps) -> the optimizer of students; train: what they learn from; solutions
    {style: Tokens [N, …]} of it that a human would write; tests {name: Asked}; said: (token numbers
    of an answer) -> what it says, or None.
    """

    teacher: Teacher
    student: Any
    start: Callable
    rule: Callable
    train: Asked
    solutions: dict
    tests: dict
    said: Callable


def same_start(params):
    """The start of students that all begin with the same parameters."""

    def start(keys):
        return jax.tree.map(lambda x: jnp.repeat(jnp.asarray(x)[None], len(keys), 0), params)

    return start
