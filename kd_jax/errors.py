"""The one exception that means: the input is at fault, not the code."""


class InputError(ValueError):
    """Bad input. The message is one line: the value, what was expected, what to do.

    Characters that do not print, which a value may bring in, are shown as \\n, \\x00 and so on.
    `config.launch` prints the line to standard error and exits with code 2.
    """

    def __init__(self, message):
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))


def require(condition, message):
    """InputError(message) unless the condition holds."""
    if not condition:
        raise InputError(message)
