"""Standard streams of a command: an error is one line and a code; no locale makes printing fail."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator

from kd_jax.errors import InputError


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """In this block an InputError ends the command: one line on standard error, exit code 2.

    So does a full disk below what is printed; where nobody reads it any more, a code says so. In a
    working directory that was deleted whatever fails, as relative paths, fails for that alone.
    """
    open_streams()
    try:
        yield
        sys.stdout.flush()
    except InputError as error:
        print(f"error: {_reason(error)}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        _print_nothing_more()
        sys.exit(141)
    except OSError as error:
        _print_nothing_more()
        print(f"error: {_reason(f'cannot write ({error.strerror})')}", file=sys.stderr)
        sys.exit(2)


def _reason(said):
    """Why a command failed: what is said of it, or that there is no folder to begin from."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return "the working directory no longer exists: cd to one that does"
    return said


class _Lossy(io.FileIO):
    """A file that may be full: a bar of progress would wait without end for the lock it holds."""

    def write(self, data):
        """Write what goes in."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def open_streams() -> None:
    """Let nothing fail for what a locale lacks, or for standard streams that were closed.

    Nor for a standard error that is full: what is said there is lost, and nothing else.
    """
    own = sys.__stderr__
    if own is not None and sys.stderr is own:
        lossy = _Lossy(own.fileno(), "w", closefd=False)
        sys.stderr = io.TextIOWrapper(lossy, own.encoding, write_through=True)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        getattr(sys, name).reconfigure(errors="replace")


def _print_nothing_more():
    """Else Python, as it ends, writes the rest, and says that it could not."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
