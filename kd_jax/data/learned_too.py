"""Texts to measure on that are learned from too: nothing forbids them, and somebody should know."""

from collections.abc import Collection, Sequence
from typing import Any

from kd_jax.errors import counted


def learned_too(name: str, texts: Sequence[Any], learned: Collection[Any]) -> list[str]:
    """A line where some texts are among those that are learned from.

    Args:
        name: What holds the texts, as --test=FILE.
        texts: To measure on.
        learned: That are learned from, a set.
    """
    same = sum(each in learned for each in texts)
    are = "is" if same == 1 else "are"
    line = (
        f"{same:,} of {counted(len(texts), 'text')} of {name} {are} learned from too, and no test"
    )
    return [line] if same else []
