"""The one exception that means: the input is at fault, not the code; and checks that raise it."""

import collections
import contextlib
import difflib
import errno
import importlib.util
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Check = Callable[[str, Any], None]  # of a flag's name and value; raises InputError

# numbers above 0 that are such in float32, and temperatures: their squares and inverses are too
FINITE, TEMPERATURES = (2.0**-126, 2.0**127), (2.0**-62, 2.0**62)

# what reading a damaged file may raise
DAMAGED = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError,
)  # fmt: skip


# what the system says of files that may be sound
REFUSED = {
    errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE,
    errno.ETIMEDOUT, errno.EAGAIN,
}  # fmt: skip


MOST = 1_000_000  # seeds, epochs, units, rows of a batch
LONGEST = 900  # letters of a message; a value may have more


class InputError(ValueError):
    """Bad input. The message is one line: the value, what was expected, what to do.

    Characters that do not print, which a value may bring in, are shown as \\n, \\x00 and so on.
    `experiment.launch` prints the line to standard error and exits with code 2.
    """

    def __init__(self, message):
        text = printable(message)
        super().__init__(text if len(text) < LONGEST else f"{text[:500]} … {text[-300:]}")


class DamagedFile(InputError):
    """A file that is missing, or not what was written there: path, what is wrong, what to do.

    Who knows whose file it is raises it again with another advice.
    """

    def __init__(self, path, what, advice):
        super().__init__(f"{path} {what}: {advice}")
        self.path, self.what, self.advice = path, what, advice


def printable(text: str) -> str:
    """A text in which characters that do not print are shown as \\n, \\x00 and so on."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def brief(error: BaseException, most: int = 160) -> str:
    """What an exception says, as one line: some quote whole files.

    Args:
        error: The exception.
        most: Characters; what is cut ends in "…".
    """
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= most else f"{said[: most - 1]}…"


def counted(number: int, noun: str) -> str:
    """A number with what is counted: "1 text", "2,000 texts".

    Args:
        number: Of them.
        noun: In the singular, of a regular plural.
    """
    return f"{number:,} {noun}" + "s" * (number != 1)


def unreadable(what: str, error: BaseException, advice: str) -> InputError:
    """The InputError of a file that cannot be read, with what to do.

    Args:
        what: the file, and what it is.
        error: why.
        advice: for a file that is damaged, like "delete that file". Where the system refuses to
            read it (no right, too many open files, no memory) nothing speaks against the file.
    """
    number = number_of(error)
    if number in REFUSED:
        return InputError(
            f"{what} cannot be read ({os.strerror(number)}): nothing says that it is damaged; see "
            "to its permissions, or to the limits of this process (ulimit -a)"
        )
    return InputError(f"{what} is unreadable ({brief(error)}): {advice}")


def number_of(error: BaseException) -> int | None:
    """The errno of what the system says in an error of Python's, tensorstore's or Rust's."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"os_error_code='(\d+)'|\(os error (\d+)\)", str(error))
    return int(found[1] or found[2]) if found else None


def require(condition: Any, message: str) -> None:
    """InputError(message) unless the condition holds."""
    if not condition:
        raise InputError(message)


def once(pairs: Sequence[tuple[str, Any]]) -> dict:
    """The object_pairs_hook of a file's JSON: of two values of one name the last alone would count.

    Args:
        pairs: Of an object.

    Raises:
        InputError: A name stands there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = collections.Counter(name for name, _ in pairs)
        twice, _ = counts.most_common(1)[0]
        raise InputError(f"'{twice[:60]}' stands there twice: expected it once")
    return found


@contextlib.contextmanager
def extra(name: str, then: str = "") -> Iterator[None]:
    """In this block a package that is not installed is an InputError: the extra `name` brings it.

    Args:
        name: of the extra.
        then: what is to be typed after that, where the extra alone does not bring it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kd_jax"):
            raise
        raise InputError(_missing(error.name, name) + then) from None


def require_extra(name: str, package: str) -> None:
    """InputError unless a package of the extra `name` is installed, which is imported later."""
    require(importlib.util.find_spec(package), _missing(package, name))


def _missing(package, name):
    return f'the package {package} is not installed: pip install "kd_jax[{name}]"'


def _short(value):
    """A number as a flag has it; of one with hundreds of digits the first."""
    return f"{value:g}" if isinstance(value, float) else str(value)[:40]


def at_least(least: float) -> Check:
    """The check that a count is `least` or more, and no more than any work has of anything."""

    def check(name, value):
        expected = f"expected at least {least:g}, and at most {MOST:,}"
        require(least <= value <= MOST, f"--{name}={_short(value)}: {expected}")

    return check


def within(low: float, high: float) -> Check:
    """The check that a number is `low` or more and below `high`."""

    def check(name, value):
        expected = f"at least {_short(low)} and below {_short(high)}"
        normal = value == 0 or abs(value) >= FINITE[0]  # in float32 too
        inside = low <= value < high and normal
        require(inside, f"--{name}={_short(value)}: expected {expected}")

    return check


def above_0(name: str, value: float) -> None:
    """The check that a number is finite and above 0, in float32 too."""
    finite = FINITE[0] <= value <= FINITE[1]
    require(finite, f"--{name}={value:g}: expected a finite number above 0")


def address(name: str, value: str) -> None:
    """The check that a text is address:port, "auto" or empty."""
    host, _, port = value.rpartition(":")
    fits = bool(host) and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 2**16
    expected = "expected address:port, with a port from 1 to 65535, or auto"
    require(fits or value in ("", "auto"), f"--{name}={value[:80]}: {expected}")


def is_temperature(name: str, value: float) -> None:
    """The check that a number is a temperature, whose square is finite in float32 too."""
    low, high = TEMPERATURES
    expected = f"expected a finite number above 0, from {low:.0e} to {high:.0e}"
    require(low <= value <= high, f"--{name}={value:g}: {expected}")


def is_sampling_temperature(name: str, value: float) -> None:
    """The check that a number is 0, for the most probable tokens, or a temperature below 100."""
    within(0, 100)(name, value)
    if value:
        is_temperature(name, value)


def one_of(*known: str) -> Check:
    """The check that a text, or each of several, is one of the known ones."""

    shown = ", ".join(filter(None, known))  # "" stands for none of them

    def check(name, value):
        given = (value,) if isinstance(value, str) else value
        require(given, f"--{name} is empty: expected some of {shown}")
        for text in given:
            near = difflib.get_close_matches(str(text).lower(), known, 1)
            guess = f"; did you mean {near[0]}?" if near else ""
            require(text in known, f"--{name}={text}: expected one of {shown}{guess}")

    return check


def distinct(each: Check) -> Check:
    """The check that there is at least one value, that no two are shown alike, and `each`."""

    def check(name, values):
        given = ",".join(f"{x:g}" for x in values)
        require(values, f"--{name} is empty: expected numbers separated by commas, like 1,2")
        for value in values:
            each(name, value)
        require(
            len(set(values)) == len(values), f"--{name}={given}: the same value stands there twice"
        )
        shown = {f"{x:g}" for x in values}  # as rows and files are named by them
        require(
            len(shown) == len(values),
            f"--{name}={','.join(map(str, values))}: one name, of six digits, would stand there "
            "twice: expected values that differ by more",
        )

    return check
