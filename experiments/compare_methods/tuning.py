"""The settings of a method: a grid of as many as of any other, or what an exploration chose.

--preset=default tries the grid on validation; --preset=confirm trains each method with the setting
that the committed exploration chose, and no other.
"""

import pathlib
from collections.abc import Iterable
from typing import Any

from experiments.compare_methods.config import Config
from kd_jax.distill import methods
from kd_jax.errors import require
from kd_jax.report import commands
from kd_jax.storage import jsonl

FREE = {  # settings that a choice does not rest on
    "preset", "base_seed", "teachers", "seeds", "pairs", "methods", "temperatures", "tried",
    "explored",
}  # fmt: skip
EXPLORATION = pathlib.Path(__file__).parent / "exploration"

Settings = dict[str, tuple[float, float]]  # {row: (temperature, weight)}


def multiples(count: int) -> list[float]:
    """So many multiples by thirds of a decade, 1 in the middle: of 7 they are 0.1, …, 1, …, 10."""
    return [float(f"{10 ** ((n - count // 2) / 3):.3g}") for n in range(count)]


def grid(method: methods.Method, tried: int) -> methods.Method:
    """The method with its grid: multiples of its usual weight, at each of its temperatures.

    A method that has no weight, or brings several of its own, stays as it is.

    Args:
        method: with its usual weight.
        tried: how many settings; with several temperatures so many fewer weights.
    """
    if len(method.weights) > 1:
        return method
    return method.times(multiples(max(1, tried // len(method.temperatures))))


def chosen(records: Iterable[dict[str, Any]]) -> dict[str, Settings]:
    """{pair: {row: what was chosen}} of the records of a run.

    Args:
        records: of all rows.
    """
    found: dict[str, Settings] = {}
    for record in records:
        if "weight" in record:
            setting = record["temperature"], record["weight"]
            found.setdefault(record["pair"], {})[record["row"]] = setting
    return found


def explored() -> dict[str, Settings]:
    """What the committed exploration chose."""
    return chosen(jsonl.records(EXPLORATION))


def check(config: Config) -> None:
    """Refuse to take the exploration's choices where these would mean nothing.

    Args:
        config: of a run with --explored.

    Raises:
        InputError: it is at the exploration's base seed, or of networks that train otherwise.
        DamagedFile: the exploration's settings are missing, or damaged.
    """
    of = commands.settings(EXPLORATION)
    require(
        config.base_seed != of["base_seed"],
        f"--base_seed={config.base_seed}: the exploration chose at it, and on its teacher; confirm "
        "at another, like --base_seed=1",
    )
    for name in sorted(of.keys() - FREE):
        found = getattr(config, name, None)
        require(
            found == of[name],
            f"--{name}={found}: the exploration chose its settings at {of[name]}; leave the flag "
            "out, or --explored",
        )


def at(method: methods.Method, pair: str, known: dict[str, Settings]) -> methods.Method:
    """The method at its chosen setting alone.

    Args:
        method: with a grid or without.
        pair: the name of the pair.
        known: of `explored`.

    Raises:
        InputError: nothing was chosen for it.
    """
    if not any(method.weights):
        return method
    found = known.get(pair, {}).get(method.row)
    lacks = f"--explored: the exploration has no '{method.row}' of {pair}: leave the flag out"
    require(found is not None, lacks)
    temperature, weight = found  # type: ignore[misc]
    return method._replace(temperature=temperature, weights=(weight,))
