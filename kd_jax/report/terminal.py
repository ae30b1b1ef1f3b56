"""Text for a terminal of some width."""

from rich.console import Console
from rich.text import Text


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text in so many columns."""
    return [str(line).rstrip() for line in Text(text).wrap(Console(width=width), width)]
