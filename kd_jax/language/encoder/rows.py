"""The rows of a table of encoders: what they are called, and which losses are learned by."""

from collections.abc import Sequence
from typing import NamedTuple

from kd_jax.errors import require
from kd_jax.language.encoder import loss_names


class Row(NamedTuple):
    """A row of the table that is trained.

    Attributes:
        name: Its name.
        cut: That of the row that it is held against.
        layers: Of the students.
        losses: That they learn by.
        ranked: Whether they learn from rankings instead of the training texts.
    """

    name: str
    cut: str
    layers: int
    losses: tuple[str, ...]
    ranked: bool = False


def static_name(width: int) -> str:
    """What tables call a static student.

    Args:
        width: Numbers of its vectors.
    """
    return f"static, {width} numbers"


def size_name(layers: int, width: int = 0) -> str:
    """What tables call students of one size.

    Args:
        layers: How many they have.
        width: Of their hidden states, 0 as the teacher's.
    """
    return f"{layers} layer{'s' * (layers > 1)}" + (f" of {width}" if width else "")


def cut_name(layers: int) -> str:
    """What tables call a cut that has not learned.

    Args:
        layers: How many it has.
    """
    return f"{size_name(layers)}, cut"


def of_size(count: int, losses: Sequence[str], width: int, ranked: bool = False) -> list[Row]:
    """The rows of students of one size.

    Args:
        count: Their layers.
        losses: Names of `loss_names.named`.
        width: Of their hidden states, 0 as the teacher's.
        ranked: Whether they learn from rankings.

    Raises:
        InputError: A loss is not known, is no loss of students of this width, or two are the same.
    """
    rows: list[Row] = []
    flag = "ranking_losses" if ranked else "losses"
    for each in losses:
        named = loss_names.named(each, ranked=ranked)
        same = [row.name for row in rows if {*row.losses} == {*named}]
        require(not same, f"--{flag}={each}: the row {', '.join(same)} is the same sum")
        states = f"--{flag}={each} and --width={width}: hidden states are of another width than "
        require(not width or "hidden" not in named, states + "the teacher's: leave hidden out")
        name = f"{size_name(count, width)}, {'ranked: ' * ranked}{' + '.join(named)}"
        rows.append(Row(name, cut_name(count), count, named, ranked))
    return rows
