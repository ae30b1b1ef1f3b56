"""The modules of an experiment's folder: its report and its settings."""

import importlib
import pathlib
import types

from kd_jax.errors import InputError


def of(folder: pathlib.Path, name: str) -> types.ModuleType | None:
    """A module of an experiment's folder, or None where it cannot be imported from there.

    Args:
        folder: experiments/NAME.
        name: "report" or "config".
    """
    try:
        module = importlib.import_module(f"experiments.{folder.name}.{name}")
    except (ImportError, InputError):  # another repository, or an extra that is not installed
        return None
    return module if pathlib.Path(str(module.__file__)).parent == folder else None
