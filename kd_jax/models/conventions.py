"""What networks of several libraries have in common: flags for training, and outputs."""

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from kd_jax.errors import InputError, require

# what libraries call the argument that says whether this is training, and its value if it is
FLAGS = {
    "train": True,
    "training": True,
    "is_training": True,
    "deterministic": False,
    "use_running_average": False,
}
KEPT = 64  # networks whose Model is remembered


def train_flags(function: Callable, train: bool) -> dict[str, bool]:
    """The arguments of a call that tell the function whether this is training.

    Args:
        function: Which takes any of FLAGS, or none.
        train: Whether it is.

    Returns:
        {argument: value}, of those that the function takes.
    """
    return {name: train == FLAGS[name] for name in inspect.signature(function).parameters
            if name in FLAGS}  # fmt: skip


def outputs(found: Any) -> tuple[Any, dict]:
    """What a network returned, as (logits, features): logits alone have no features.

    Args:
        found: Logits, or (logits, features).

    Returns:
        Logits and features.

    Raises:
        InputError: It is neither.
    """
    if hasattr(found, "shape"):
        return found, {}
    pair = isinstance(found, tuple) and len(found) == 2
    fits = pair and hasattr(found[0], "shape") and isinstance(found[1], dict)
    kinds = ", ".join(map(_kind, found)) if isinstance(found, tuple) else ""
    got = f"a tuple ({kinds})" if kinds else f"a {_kind(found)}"
    require(
        fits,
        f"the network returns {got}: expected logits or (logits, features), logits an array "
        "[B, C] and features a dict of arrays",
    )
    return found


def _kind(x):
    return "array" if hasattr(x, "shape") else type(x).__name__


def once(build: Callable) -> Callable:
    """`build` that gives the same Model for equal arguments, so that it is compiled once.

    Args:
        build: (*arguments) -> Model.

    Returns:
        The same, which remembers what it built unless an argument cannot be hashed.
    """
    kept = functools.lru_cache(maxsize=KEPT)(build)

    def built(*arguments):
        try:
            hash(arguments)
        except TypeError:  # such as a module with an array as a field
            return build(*arguments)
        return kept(*arguments)

    return built


def library(module: str, package: str) -> Any:
    """A library that kd_jax itself does not need, imported where a network is of it.

    Args:
        module: As it is imported.
        package: As it is installed.

    Returns:
        The module.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise InputError(f"{module} is not installed: pip install {package}") from None


def check_factory(adapter: str, create: Any, kind: type, example: str) -> None:
    """InputError unless `create` is a function that makes a module of a key.

    Args:
        adapter: Like "from_nnx".
        create: What it was given.
        kind: Of the modules, an instance or subclass of which is no such function.
        example: How one is written.
    """
    module = isinstance(create, kind) or isinstance(create, type)
    given = f"the module {type(create).__name__}" if isinstance(create, kind) else f"{create!r:.60}"
    require(
        callable(create) and not module, f"kd.{adapter} is given {given}: expected a function of a "
        f"key that makes the module, like {example}",
    )  # fmt: skip
