"""The one exception that means: the input is at fault, not the code."""


class InputError(ValueError):
    """Bad input. The message is one line: the value, what was expected, what to do.

    `config.launch` prints it to standard error and exits with code 2.
    """


def require(condition, message):
    """InputError(message) unless the condition holds."""
    if not condition:
        raise InputError(message)
