"""The one exception that means: the input is at fault, not the code."""

import contextlib
import sys


class InputError(ValueError):
    """Bad input. The message is one line: the value, what was expected, what to do.

    Characters that do not print, which a value may bring in, are shown as \\n, \\x00 and so on.
    `config.launch` prints the line to standard error and exits with code 2.
    """

    def __init__(self, message):
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))


def brief(error):
    """What an exception says, as one line of at most 160 characters: some quote whole files."""
    return (" ".join(str(error).split()) or type(error).__name__)[:160]


def require(condition, message):
    """InputError(message) unless the condition holds."""
    if not condition:
        raise InputError(message)


@contextlib.contextmanager
def extra(name, then=""):
    """In this block a package that is not installed is an InputError: the extra `name` brings it.

    Args: then: what is to be typed after that, where the extra alone does not bring it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kd_jax"):
            raise
        raise InputError(
            f'the package {error.name} is not installed: pip install "kd_jax[{name}]"{then}'
        ) from None


@contextlib.contextmanager
def one_line():
    """In this block an InputError ends the command: one line on standard error, exit code 2."""
    try:
        yield
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
