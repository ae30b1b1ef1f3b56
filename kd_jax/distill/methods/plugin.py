"""Methods of one's own in a Python file: METHODS, a list of kd_jax.Method values."""

from kd_jax.distill import teacher_files
from kd_jax.distill.methods.base import Method
from kd_jax.errors import InputError, brief, require


def of_file(path: str) -> list[Method]:
    """The methods of a file, whose fields checks.listed holds to be right.

    Args:
        path: Of a file .py with METHODS: a Method, a list of them, or a function that gives one.

    Raises:
        InputError: There is no such file, it cannot be imported, or it holds no methods.
    """
    given = teacher_files.value(f"{path}:METHODS")
    what, expected = f"--plugin={path}: METHODS", "expected a list of kd_jax.Method values"
    try:
        given = given() if callable(given) else given
    except (Exception, SystemExit) as error:  # whatever somebody's function raises
        raise InputError(f"{what}() fails ({type(error).__name__}: {brief(error)})") from error
    several = [given] if isinstance(given, Method) else given
    require(isinstance(several, list | tuple), f"{what} is {given!r:.60}: {expected}")
    for each in several:
        require(isinstance(each, Method), f"{what} holds {each!r:.60}: {expected}")
    require(several, f"{what} is empty: {expected}")
    return list(several)
