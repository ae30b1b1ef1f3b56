"""Settings of a model's file: each is read, has a value that changes nothing, or is refused.

A setting that is present and not understood would change the model silently. So a loader reads
what it implements, names the values at which the rest changes nothing (`neutral`), and ends with
`accounted`: whatever is left over must be on a list of harmless ones.
"""

import os
from collections.abc import Container, Mapping
from typing import Any

from kd_jax.errors import require

LARGE = 1e30  # above every number of a model


class Settings:
    """The settings of one file, which remember which of them were read."""

    def __init__(self, found: Mapping[str, Any], source: str | os.PathLike):
        """None of them read yet.

        Args:
            found: {name: value}; a value of None is one that is not set.
            source: the file, for error messages.
        """
        self.found, self.source, self.read = dict(found), source, set[str]()

    def get(self, name: str, default: Any = None) -> Any:
        """The value of one setting, or the default where it is missing."""
        self.read.add(name)
        return self.found.get(name, default)

    def has(self, name: str) -> bool:
        """Whether a setting is there, and set."""
        return self.get(name) is not None

    def whole(self, name: str, default: int | None = None, least: int = 1) -> int:
        """One whole number.

        Raises:
            InputError: it is missing without a default, no such, or too small.
        """
        value = self.get(name, default)
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
        require(whole, f"{self.source}: {name} is {quoted(value)}, expected {least} or more")
        require(value < 2**31, f"{self.source}: {name} is {quoted(value)}, expected below 2^31")
        return value

    def positive(
        self,
        name: str,
        default: float | None = None,
        least: float = 1 / LARGE,
        most: float = LARGE,
    ) -> float:
        """One positive finite number.

        Args:
            name: of the setting.
            default: where it is missing.
            least: that is possible.
            most: that is possible.

        Raises:
            InputError: it is missing without a default, or no such.
        """
        value = self.get(name, default)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        low = "more than 0" if least == 1 / LARGE else f"{least:g} or more"
        expected = low if most == LARGE else f"{low}, and at most {most:g}"
        within = number and least <= value <= most  # in float32 too
        require(within, f"{self.source}: {name} is {quoted(value)}, expected {expected}")
        return float(value)

    def epsilon(self, name: str, default: float | None = None) -> float:
        """One small number that keeps a normalization finite, see `positive`."""
        return self.positive(name, default, most=0.1)

    def theta(self, name: str, default: float | None = None) -> float:
        """One base of rotations, the longest wave of which is theta positions; see `positive`."""
        return self.positive(name, default, least=1, most=1e12)

    def truth(self, name: str, default: bool) -> bool:
        """One truth value; a text like "false" is none.

        Raises:
            InputError: it is no such.
        """
        value = self.get(name)
        value = default if value is None else value
        require(
            isinstance(value, bool), f"{self.source}: {name} is {quoted(value)}, expected true or "
            "false without quotes",
        )  # fmt: skip
        return value

    def neutral(self, values: Mapping[str, tuple]) -> None:
        """Refuse settings that are not implemented, unless their value changes nothing.

        Args:
            values: {name: the values at which the model is the one that is implemented}.

        Raises:
            InputError: a setting has another value.
        """
        for name, allowed in values.items():
            value = self.get(name)
            require(
                value is None or any(_same(value, each) for each in allowed),
                f"{self.source}: {name} is {shown(value)}, expected {shown(allowed[0])}: nothing "
                "else is implemented; choose a model without it",
            )

    def accounted(self, harmless: Container[str]) -> None:
        """Refuse what was not read and is not known to be harmless.

        Args:
            harmless: names of settings that change no output.

        Raises:
            InputError: a setting is left over.
        """
        for name, value in self.found.items():
            require(
                name in self.read or name in harmless or value is None,
                f"{self.source}: the setting {shown(name)} ({shown(value)}) is not known: it may "
                "change what the model computes; if it does not, remove it from the file",
            )


def _same(value, expected):
    """Whether a value is the expected one: true is not 1 here, but 1.0 is."""
    alike = isinstance(value, bool) == isinstance(expected, bool)
    return alike and not hasattr(value, "shape") and bool(value == expected)


def shown(value: Any) -> str:
    """A file's value in an error: one line, however long it is."""
    text = value if isinstance(value, str) else repr(value)
    return " ".join(text.split())[:80]


def quoted(value: Any) -> str:
    """The same where a number is expected: a text is in quotes, as it may look like one."""
    return shown(repr(value))
