"""Equal texts: drawn into one part, and told where parts that are given share or repeat some."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from kd_jax.errors import counted, require


def first_equal(texts: Sequence[Any]) -> Int[np.ndarray, " N"]:
    """The row of the first text that each is equal to: its own, where none before it is.

    Args:
        texts: N of them, or what else can be a key.
    """
    rows: dict[Any, int] = {}
    return np.array([rows.setdefault(text, row) for row, text in enumerate(texts)], np.int64)


def different(first: Int[np.ndarray, " N"]) -> str:
    """How many texts there are, and how many different ones: "12 texts (3 different)".

    Args:
        first: Of `first_equal`.
    """
    count = len(np.unique(first))
    return counted(len(first), "text") + f" ({count:,} different)" * (count < len(first))


def drawn_together(first: Int[np.ndarray, " N"], held: Sequence[str], there: str = "") -> list[str]:
    """A line where some of the texts that parts are drawn from are equal.

    Args:
        first: Of `first_equal`.
        held: The names of the held-out parts that are drawn.
        there: Where the texts stand.
    """
    same = int(np.sum(first != np.arange(len(first))))
    have = "has" if len(held) == 1 else "have"
    line = (
        f"{_of(same, len(first))}{there} {_are(same)} equal to an earlier one: equal ones are "
        f"drawn into one part, and {' and '.join(held)} {have} each once"
    )
    return [line] if same and held else []


def repeated(name: str, texts: Sequence[Any]) -> list[str]:
    """A line where some texts of a part that is given are equal.

    Args:
        name: What holds the texts, as --test=FILE.
        texts: To measure on.
    """
    same = len(texts) - len(set(texts))
    count = "counts" if same == 1 else "count"
    line = (
        f"{_of(same, len(texts))} of {name} {_are(same)} equal to an earlier one there, and "
        f"{count} as independent"
    )
    return [line] if same else []


def learned_too(
    name: str, texts: Sequence[Any], learned: Collection[Any], what: str = "text"
) -> list[str]:
    """A line where some texts of a part that is given are among those that are learned from.

    They stay: the part is a benchmark perhaps, whose figures are compared with others'.

    Args:
        name: What holds the texts, as --test=FILE.
        texts: To measure on.
        learned: That are learned from, a set.
        what: They are, in the singular.

    Raises:
        InputError: All of them are.
    """
    same = sum(each in learned for each in texts)
    require(same < len(texts), f"every {what} of {name} is learned from: expected others")
    return [learned_line(name, same, len(texts), what)] if same else []


def learned_line(name: str, same: int, count: int, what: str = "text") -> str:
    """What is said of things to measure on that are learned from too.

    Args:
        name: What holds them.
        same: How many are.
        count: Of how many.
        what: They are, in the singular.
    """
    stay = "it stays there, but says" if same == 1 else "they stay there, but say"
    return (
        f"{_of(same, count, what)} of {name} {_are(same)} learned from too: {stay} nothing about "
        f"new {what}s"
    )


def _of(same, count, what="text"):
    return f"{same:,} of {counted(count, what)}"


def _are(count):
    return "is" if count == 1 else "are"
