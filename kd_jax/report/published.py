"""What publications print, to stand beside our numbers; without imports, for an experiment's rows.

PAPER = {"teacher": Published(67), "labels only": Published(146)}
"""

from typing import Any, NamedTuple

DASH = "–"  # where there is nothing


class Published(NamedTuple):
    """What a publication prints of one row: test errors, wrong 3s and a loss, where it does."""

    errors: Any = DASH
    threes: Any = DASH
    loss: Any = DASH
