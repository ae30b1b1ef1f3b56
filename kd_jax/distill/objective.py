"""What a student minimizes: a term that compares it with a teacher, beside the labels.

    weight · term(student, teacher) + label_weight · CE(labels smoothed by ε, student)

An arm is a point of that plane, given by numbers alone: with the term of soft targets, labels
only, label smoothing, soft targets at any temperature, mixtures of both and altered teachers are
arms of one compiled program.
"""

import collections
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kd_jax import losses
from kd_jax.training.state import Batch, Outcome


class Outputs(NamedTuple):
    """Outputs of a network for a batch: logits [B, C] and named features, first layer first."""

    logits: Any
    features: dict

    @property
    def last(self) -> Float[Array, "B ..."]:
        """The last hidden layer: [B, H, W, C] or [B, D]."""
        return list(self.features.values())[-1]

    @property
    def maps(self) -> list[Float[Array, "B H W C"]]:
        """The hidden layers that are feature maps."""
        return [x for x in self.features.values() if x.ndim == 4]

    @property
    def embedding(self) -> Float[Array, "B D"]:
        """The last hidden layer as vectors; a map is averaged over its positions."""
        return self.last if self.last.ndim == 2 else self.last.mean((1, 2))


# (student, teacher, batch, parameters that are trained along) -> a number
Term = Callable[[Outputs, Outputs, Batch, Any], Any]


@functools.lru_cache(maxsize=64)
def ordered(apply: Callable) -> Callable:
    """The apply of a Model, with features that stay in their order: JAX sorts those of a dict.

    Args:
        apply: (variables, inputs) -> ((logits, features), state).
    """

    def found(variables, inputs):
        (logits, features), state = apply(variables, inputs)
        return (logits, collections.OrderedDict(features)), state

    return found


class Arm(NamedTuple):
    """One row of a table, trained once per seed.

    row: its name. teacher: the name of the teacher it learns from. family: what rows share that
    differ by temperature only; the row's own name where that is empty.
    """

    row: str
    temperature: float = 1.0
    weight: float = 0.0
    label_weight: float = 0.0
    smoothing: float = 0.0
    teacher: str = "teacher"
    family: str = ""


NUMBERS = ("temperature", "weight", "label_weight", "smoothing")


def arms(family: str, temperatures: Sequence[float], **numbers) -> list[Arm]:
    """One Arm of the family per temperature, named `family, T=…`."""
    return [Arm(f"{family}, T={t:g}", t, family=family, **numbers) for t in temperatures]


def soft_targets(
    student: Outputs, teacher: Outputs, batch: Batch, extra: Any = None
) -> Float[Array, ""]:
    """T² KL(teacher ‖ student) at the arm's temperature T, its mean over the batch.

    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.
    """
    at = batch.numbers["temperature"]
    return jnp.mean(losses.soft_targets(student.logits, teacher.logits, temperature=at))


@functools.lru_cache(maxsize=64)  # trainings of one loss share their programs
def objective(apply: Callable, term: Term = soft_targets) -> Callable:
    """The loss of an arm, whose numbers come with the batch.

    Args:
        apply: of the student's Model.
        term: What compares the student with its teacher.

    Returns:
        loss_fn(variables, Batch, key), whose parameters are {"student", "extra"}: the network's,
        and the term's own. The batch's rows are "inputs" [B, …], "labels" [B], "teachers" [B, K, C]
        (logits of K teachers), perhaps "labeled" [B] (whether a row's label counts; default: all)
        and "features" {name: [B, …]} of the teachers' network; its numbers those of the Arm, and
        "source", which of the K.
    """

    def loss_fn(variables, batch, key):
        rows, numbers, params = batch.rows, batch.numbers, variables["params"]
        network = {"params": params["student"], "state": variables["state"]}
        found, state = apply(network, rows["inputs"], train=True, key=key)
        student = Outputs(*found)
        source = jnp.take(rows["teachers"], numbers["source"], axis=1)
        teacher = Outputs(source, rows.get("features", {}))
        of_labels = losses.label_smoothing(
            student.logits, rows["labels"], epsilon=numbers["smoothing"]
        )
        hard = losses.masked_mean(of_labels, where=rows.get("labeled"))
        soft = term(student, teacher, batch, params["extra"])
        return Outcome(numbers["weight"] * soft + numbers["label_weight"] * hard, state=state)

    return loss_fn
