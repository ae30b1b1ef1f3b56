"""Students of a sentence encoder: some of its layers, all of its embeddings, its head."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Key

from kd_jax.errors import require
from kd_jax.models import Model
from kd_jax.models.bert import sentence_encoder
from kd_jax.models.sentence import Head, normalized
from kd_jax.pretrained import layer_selection
from kd_jax.pretrained.encoder import Encoder
from kd_jax.training import state

HEAD = "head"  # its parameters, beside the network's


class Student(NamedTuple):
    """A network that is to give a teacher's vectors, before it has learned.

    Attributes:
        network: It gives the hidden states [layers + 1, B, T, D] of ids and a mask.
        head: How the tokens' vectors become one.
        params: The network's, and those of the head's steps as "head".
        imitates: The teacher's layers, from 0 on, whose states its own are to be.
        frozen: The names in params that do not learn.
    """

    network: Any
    head: Head
    params: dict[str, Any]
    imitates: tuple[int, ...]
    frozen: tuple[str, ...] = ("embeddings", HEAD)

    @property
    def model(self) -> Model:
        """Its two functions: tokens {"ids", "mask"} -> (vectors, {"hidden": its states})."""
        return model(self.network, self.head)

    @property
    def unit(self) -> bool:
        """Whether its vectors are of length 1 by themselves."""
        return normalized in self.head.steps[-1:]


def model(network: Any, head: Head) -> Model:
    """An encoder as two functions, its head's parameters as "head" beside the network's.

    Args:
        network: As of a Student.
        head: As of a Student.
    """

    def init(key):
        return sentence_encoder(network).init(key)

    def apply(variables, inputs, train=False, key=None):
        params = dict(variables["params"])
        own = params.pop(HEAD)
        hidden: Any = network.apply({"params": params}, inputs["ids"], inputs["mask"])
        return (head(own, hidden[-1], inputs["mask"]), {"hidden": hidden}), variables["state"]

    return Model(init, apply, network)


def of_layers(teacher: Encoder, count: int, *, drawn_by: Key[Array, ""] | None = None) -> Student:
    """A student of some of the teacher's layers, evenly spaced, the last one among them.

    Args:
        teacher: Whose embeddings and head it keeps.
        count: Of its layers.
        drawn_by: The key of layers that are drawn anew; None: they are the teacher's.

    Raises:
        InputError: The teacher has no more layers than that.
    """
    check(teacher, [count])
    layers = chosen(teacher, count)
    network, start = layer_selection.student(teacher.network, teacher.params, layers)
    if drawn_by is not None:
        drawn = state.at(state.initialize(sentence_encoder(network).init)(drawn_by[None]), 0)
        start = {**start, "layers": drawn["params"]["layers"]}
    params = {**start, HEAD: teacher.head_params}
    return Student(network, teacher.head, params, layers)


def chosen(teacher: Encoder, count: int) -> tuple[int, ...]:
    """Which of a teacher's layers, from 0 on, a student of so many has.

    Args:
        teacher: The encoder.
        count: How many.
    """
    return tuple(layer_selection.alternate(teacher.network.layers, count))


def check(teacher: Encoder, layers: Sequence[int]) -> None:
    """InputError unless students of so many layers have fewer than their teacher.

    Args:
        teacher: Theirs.
        layers: How many each has.
    """
    most = teacher.network.layers
    require(most, "--teacher has a table of tokens' vectors and no layers: expected a network")
    require(
        max(layers) < most,
        f"--layers={max(layers)}: expected fewer than the teacher's {most}",
    )


def encoder_of(teacher: Encoder, student: Student, params: Any) -> Encoder:
    """A student that has learned, as an Encoder with its teacher's tokenizer and prompts.

    Args:
        teacher: Its teacher.
        student: As it was before.
        params: What it has learned.
    """
    params = jax.tree.map(jax.numpy.asarray, params)
    network = {name: x for name, x in params.items() if name != HEAD}
    return teacher.replaced(student.network, network, student.head, params[HEAD])
