"""Arguments from Python: what is taken for what, and one line for all else."""

import dataclasses
import pathlib

import numpy as np
import pytest
from refusals import refused

from kd_jax import arguments, experiment
from kd_jax.experiment import setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    count: int = setting(1, "")
    share: float = setting(0.5, "")
    name: str = setting("", "")
    on: bool = setting(False, "")
    sizes: tuple[int, ...] = setting((1,), "")
    names: tuple[str, ...] = setting((), "")


def test_values_become_those_of_their_settings():
    """NumPy's numbers, paths and lists as flags have them: a run from Python is the command's."""
    found = Config(
        count=np.int64(3), share=2, name=pathlib.Path("a"), on=np.bool_(True), sizes=[4, 5],
        names="one",
    )  # fmt: skip
    flags = ["x", "--count=3", "--share=2", "--name=a", "--on", "--sizes=4,5", "--names=one"]
    assert found == experiment.parse(Config, flags)
    assert found.results_key() == experiment.parse(Config, flags).results_key()
    assert Config(sizes=np.array([1, 2])).sizes == (1, 2) and Config(sizes=7).sizes == (7,)
    assert type(found.count) is int and type(found.share) is float and type(found.on) is bool


@pytest.mark.parametrize(
    "given, said",
    [
        ({"count": "3"}, "--count='3': expected a whole number"),
        ({"count": 2.0}, "--count=2.0: expected a whole number"),
        ({"count": True}, "--count=True: expected a whole number"),
        ({"count": None}, "--count=None: expected a whole number"),
        ({"share": "0.5"}, "--share='0.5': expected a number"),
        ({"name": 5}, "--name=5: expected a text"),
        ({"name": b"x"}, "--name=b'x': expected a text"),
        ({"on": "no"}, "--on='no': expected True or False"),
        ({"on": 1}, "--on=1: expected True or False"),
        ({"sizes": "12"}, "--sizes='12': expected a whole number"),
        ({"names": ["a", None]}, "--names=None: expected a text"),
    ],
)
def test_another_type_is_one_line(given, said):
    refused(said, Config, **given)


def test_whole_numbers_are_within_bounds():
    assert arguments.whole("n", np.int32(5)) == 5
    for value in (0, 2**31, 1.0, "1", None, False, float("nan")):
        refused("n=.*: expected a whole number, 1 or more and below", arguments.whole, "n", value)


def test_one_is_one_of_several():
    assert arguments.several("ab") == ("ab",) and arguments.several(None) == (None,)
    assert arguments.several(range(2)) == (0, 1) and arguments.several([]) == ()
