"""Every setting of every command with hostile values: refused in one line, or sound as it is.

What is accepted is finite, in float32 too, without a second zero, names nothing twice, and comes
back from its own flags. Each of the 18 commands has KD_JAX_CASES times 9 cases.
"""

import dataclasses
import importlib
import json
import math
import pathlib
import typing

import numpy as np
import pytest
from fuzzing import CASES, read_or_refused, seed

from kd_jax import experiment
from kd_jax.errors import FINITE
from kd_jax.experiment import flags_of

pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[1]
COMMANDS = {path.parent.name: f"experiments.{path.parent.name}.config"
            for path in sorted(ROOT.glob("experiments/*/config.py"))}  # fmt: skip
COMMANDS |= {"distill": "kd_jax.command.config"}
NUMBERS = (
    "0 -0 0.0 -0.0 1 -1 2 3 0.5 0.1 -0.5 1.5 7 100 1e-3 1e9 1e18 1e38 1e39 1e308 1e309 -1e309 "
    "1e-38 1e-45 1e-310 nan -nan NaN inf -inf infinity 0x10 1_000 1e3 ٣ ½ 9999999999999999999999 "
    "4294967295 4294967296 2147483648 1000000 1000001 0.30000000000000004 0.3 0.1e1 +1 01 1. .5"
).split()
TEXTS = [
    "", " ", "x", "none", "None", "true", "false", "all", "..", ".", "/", "../../x", "a,b", "a,,b",
    ",", "'", '"', '"a', "\0", "\n", "a\nb", "\x1b[31m", "\u202e", "\udcff", "é", "😀", "-", "--",
    "=", "~", "~nobody-of-this-name", "a" * 300, "a" * 5000, "%s", "{}", "{0}", "$HOME", "*",
    "mlp:0", "mlp:-1", "mlp:1e9", "mlp:", "train:", "train:mlp:0", "x.py:y", ":", "tfds:",
    "localhost:0", "localhost:99999", "members:0", "members:1,data:x", "auto",
]  # fmt: skip


def hostile(random, annotation, known):
    """A value for a setting of this type: of another type now and then."""
    pick = lambda values: str(values[int(random.integers(len(values)))])  # noqa: E731
    kind = random.random()
    if typing.get_origin(annotation) is tuple and kind < 0.7:
        element = typing.get_args(annotation)[0]
        own = known if element is str and known else TEXTS if element is str else NUMBERS
        entries = [pick(own) for _ in range(random.integers(0, 4))]
        return ",".join(entries * (1 + (random.random() < 0.2)))
    if annotation in (int, float) and kind < 0.8:
        return pick(NUMBERS)
    return pick(TEXTS if kind < 0.9 else NUMBERS)


def is_sound(value, repeats=False):
    """Whether an accepted value is one that can be computed with, and shown."""
    if isinstance(value, tuple):
        shown = [f"{x:g}" if isinstance(x, float) else x for x in value]
        return (repeats or len({*shown}) == len(shown)) and all(map(is_sound, value))
    if isinstance(value, float):
        if value == 0:
            return math.copysign(1, value) == 1
        return FINITE[0] <= abs(value) <= FINITE[1]
    if isinstance(value, str):
        value.encode()
        return "\0" not in value
    return isinstance(value, bool) or abs(value) <= 2**32


@pytest.mark.parametrize("command", COMMANDS)
def test_hostile_settings(command, monkeypatch):
    config_class = importlib.import_module(COMMANDS[command]).Config
    types, random = typing.get_type_hints(config_class), np.random.default_rng(seed(17))
    fields = [field.name for field in dataclasses.fields(config_class)]
    usual = {"distill": ["--data=x.csv"], "export": ["--run=x"]}.get(command, [])
    refused, odd = 0, []
    for _ in range(9 * CASES):
        names = random.choice(fields, random.integers(1, 4), replace=False)
        flags = []
        for name in names:
            default = getattr(config_class, name)
            known = [x for x in default if isinstance(x, str)] if isinstance(default, tuple) else []
            flags.append(f"--{name}={hostile(random, types[name], known)}")
        found = read_or_refused(experiment.parse, config_class, [command, *usual, *flags])
        refused += found is None
        if found is None:
            continue
        json.dumps(found.results_key(), allow_nan=False)
        again = experiment.parse(config_class, [command, *flags_of(found)])
        wrong = [n for n in fields if not is_sound(getattr(found, n), n == "split")]
        if again != found or wrong:
            odd.append((flags, wrong, flags_of(found)))
    assert not odd, "\n".join(map(str, odd[:40]))
    assert refused > 4 * CASES
