"""What part a row plays in a comparison, told by its name, and how all figures draw it.

One color means one thing in every figure, and so does the marker beside it, for who sees no colors.
All have a contrast of 3 : 1 at least to white; the colors of verdicts are no row's.
"""

import itertools
import re
from collections.abc import Iterable
from typing import NamedTuple


class Role(NamedTuple):
    """How rows are drawn: a color, a marker and dashes, as matplotlib calls them."""

    color: str
    marker: str
    dash: str


TEACHER = Role("#222222", "*", "--")  # or an ensemble: what is learned from
LABELS = Role("#6b6b6b", "s", ":")  # or another baseline
CONTROL = Role("#8c5109", "X", "-.")  # what can teach nothing of which classes are alike
SOFT = Role("#0072b2", "o", "-")  # the first method, soft targets wherever there are any
MIXED = Role("#7b3fa0", "^", "-")  # these and labels
OTHERS = (
    Role("#b8327a", "D", "-"),
    Role("#007f86", "v", "-"),
    Role("#6f7500", "P", "-"),
    Role("#3f51b5", "<", "--"),
    Role("#a0522d", ">", "--"),
    Role("#4a6b3a", "h", "--"),
    Role("#b8327a", "p", "-."),
    Role("#007f86", "d", "-."),
    Role("#6f7500", "8", "-."),
)
BETTER, WORSE, NEITHER = "#00795a", "#c23b10", "#6b6b6b"

NAMES = (  # the first that a name begins with says its role
    (CONTROL, r".*\bpermuted|uniform |label smoothing|student, label smoothing"),
    (
        LABELS,
        r"labels only|labels, |student, labels only|local training|generalist(?! \+)|"
        r"cut$|.*, cut$|SFT",
    ),
    (TEACHER, r"(\w+ )?teacher(?!-|'s)|ensemble|one member|assistant itself|centralized"),
    (MIXED, r"(soft targets|images|probabilities).* \+ .*labels"),
    (SOFT, r"soft targets|forward KL$|all probabilities|FedDF$"),
)


def of(row: str) -> Role | None:
    """The role of a row, or None where its name tells none.

    Args:
        row: Its name.
    """
    return next((role for role, names in NAMES if re.match(names, row)), None)


def is_control(row: str) -> bool:
    """Whether a row is no method: a control, a baseline or what is learned from.

    Args:
        row: Its name.
    """
    return of(row) in (CONTROL, LABELS, TEACHER)


def looks(rows: Iterable[str]) -> dict[str, Role]:
    """{row: how it is drawn} where rows stand beside their names: those without a role alike.

    Args:
        rows: Their names.
    """
    return {row: of(row) or OTHERS[1] for row in rows}


def styles(rows: Iterable[str]) -> dict[str, Role]:
    """{row: how it is drawn} of a figure's rows, no two alike.

    Args:
        rows: Their names; the first of a role has its look, and others have looks of their own.
    """
    found: dict[str, Role] = {}
    free = itertools.cycle(OTHERS)
    for row in rows:
        role = of(row)
        found[row] = next(free) if role is None or role in found.values() else role
    return found
