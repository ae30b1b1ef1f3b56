"""What a distillation method is: one term beside the labels, and the numbers it is tuned over."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kd_jax.distill.objective import Arm, Term, soft_targets
from kd_jax.distill.students import Compared, no_parameters


class Method(NamedTuple):
    """A row of a table: weight · term + label_weight · CE(labels), see kd_jax.distill.objective.

    row: its name. term: (student, teacher, batch, extra) -> number, the first two being Outputs;
    batch.rows holds "inputs", "labels" (the teacher's most probable class where unknown) and what
    else a batch was gathered from, batch.numbers the "temperature". weights: of the term; of
    several the best on validation is taken. temperature: of the term, or several: then the best
    pair of temperature and weight is taken. extra: (key, student, teacher) -> parameters that are
    trained with the student's. teacher: the name of the one that it learns from. family: as for an
    Arm. own_weights: those that `weights` are multiples of, () where they are its own.
    """

    row: str
    term: Term = soft_targets
    weights: tuple[float, ...] = (1.0,)
    temperature: float | tuple[float, ...] = 1.0
    label_weight: float = 1.0
    smoothing: float = 0.0
    extra: Callable = no_parameters
    teacher: str = "teacher"
    family: str = ""
    own_weights: tuple[float, ...] = ()

    @property
    def compared(self) -> Compared:
        """What it has in common with the methods that train in one program with it."""
        return Compared(self.term, self.extra)

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Its temperature, or all that are tried."""
        several = isinstance(self.temperature, tuple)
        return self.temperature if several else (self.temperature,)  # type: ignore[return-value]

    def times(self, multiples: Sequence[float]) -> "Method":
        """The method with multiples of its weights; unchanged where its weight is 0."""
        weights = tuple(x * weight for weight in self.weights for x in multiples)
        own = self.own_weights or tuple(self.weights)
        return self._replace(weights=weights, own_weights=own) if any(weights) else self

    def arms(self) -> list[Arm]:
        """An Arm for each of its weights, at each of its temperatures."""
        numbers = self.label_weight, self.smoothing, self.teacher, self.family
        pairs = itertools.product(self.temperatures, self.weights)
        return [Arm(self.row, temperature, weight, *numbers) for temperature, weight in pairs]
