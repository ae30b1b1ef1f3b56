"""Why the table of a run judges nothing, and a table.md without verdicts."""

import re
from collections.abc import Mapping
from typing import Any

SMOKE = "--preset=smoke shows that the command runs: no verdicts"
FEW = "fewer than three seeds: no verdicts"
FEWEST = 3  # seeds of which a table says what beats what
SAID = re.compile(r"\b(BEATS|WORSE|INCONCLUSIVE|no verdicts?)\b")  # or why there is none
CELL = re.compile(  # of a table: a verdict, alone or behind a number
    r"(?<=[|\])] )(BEATS|WORSE|INCONCLUSIVE|EQUIVALENT|REACHED|FALLS SHORT|SUPPORTED|CONTRADICTED|"
    r"UNDECIDED)(?= *\|)"
)


def why(settings: Mapping[str, Any]) -> str:
    """Why a run has no verdicts, of whatever seeds; "" where it may have some.

    Args:
        settings: Of the run.
    """
    return SMOKE if settings.get("preset") == "smoke" else ""


def unsaid(settings: Mapping[str, Any], table: str) -> str:
    """Why a run has no verdicts, where its table says neither that nor a verdict; else "".

    Args:
        settings: Of the run.
        table: Its Markdown.
    """
    teachers = settings.get("teachers", 1)  # of several the means of each are paired
    units = teachers if teachers > 1 else settings.get("seeds", FEWEST)
    few = units < FEWEST and not SAID.search(table)  # texts may be judged by, say
    reason = why(settings) or FEW * few
    return "" if reason in table else reason


def without(table: str) -> str:
    """A table.md whose verdicts are dashes.

    Args:
        table: The Markdown.
    """
    return CELL.sub(lambda word: "–".ljust(len(word[0])), table)
