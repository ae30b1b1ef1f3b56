"""Fingerprints of values: every number that decides what a recipe computes, and nothing else."""

import collections
import dataclasses
import enum
import functools
import json
import os
import pathlib
import subprocess
import sys
import threading
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import recipes

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.training import optimizers, samplers

ROOT = pathlib.Path(__file__).parents[2]


@functools.cache
def digests():
    return recipes.digests()


def test_a_recipe_built_twice_is_one():
    assert recipes.digests() == digests()


def test_every_change_of_a_recipe_is_seen():
    assert len(set(digests().values())) == len(recipes.CHANGES) + 1


def test_another_process_finds_the_same():
    """In which sets have another order."""
    command = [sys.executable, recipes.__file__]
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == digests()


def test_use_changes_nothing():
    recipe = recipes.recipe(optimizer=optax.adam(recipes.schedule()))
    before = fingerprint.value(recipe)

    @jax.jit
    def used(key, images):
        params = recipe.model.init(key)
        gradient = jax.grad(lambda p: recipe.model.logits(p, images).sum())(params)
        step = recipe.optimizer.update(gradient, recipe.optimizer.init(params), params)
        return step, jax.vmap(recipe.augment, in_axes=(None, 0))(key, images), recipe.sampler(0, 0)

    used(jax.random.key(0), np.ones((2, 8, 8), np.float32))
    assert fingerprint.value(recipe) == before == digests()["schedule"]


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass(frozen=True)
class Setting:
    rate: float
    color: Color = Color.RED


class Pair(NamedTuple):
    first: object
    second: object = None


class Other(NamedTuple):
    first: object
    second: object = None


def local_network(width):
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(width)(x)

    return Net()


def repeated(times):
    """A function that holds itself."""

    def again(x, left=3):
        return again(times * x, left - 1) if left else x

    return again


def wrapped(factor):
    @functools.wraps(recipes.moved)
    def other(key, image):
        return factor * recipes.moved(key, image)

    return other


@functools.lru_cache
def cached(x):
    return x


APART = [
    None, True, 1, 0.0, -0.0, 0.1, 1j, np.inf, np.nan, "1", b"1", [1], (1,), {1},
    frozenset({1}), {"a": 1}, {"a": 2}, {"b": 1}, Color.RED, Color.BLUE, Setting(1.0), Setting(2.0),
    Setting(1.0, Color.BLUE), Pair(1), Pair(2), Pair(1, 2), Other(1), np.float32(1), np.zeros(4),
    np.zeros((2, 2)), np.zeros(4, np.float32), np.zeros(4, np.int32), np.array([None]),
    np.array(["a"]), np.array(["b"]), jax.random.key(0), jax.random.key(1),
    jax.random.key(0, impl="rbg"), jax.random.key_data(jax.random.key(0)), np.float32, np.int32,
    np.dtype("f4"), nn.relu, nn.tanh, nn.gelu, np.tanh, jax.nn.initializers.normal(0.1),
    jax.nn.initializers.normal(0.2), jax.nn.initializers.he_normal(), local_network(3),
    local_network(4), repeated(1), repeated(2), recipes.moved, wrapped(1), wrapped(2), cached,
    functools.partial(recipes.moved, radius=1), functools.partial(recipes.moved, radius=2),
    functools.lru_cache(repeated(3)), nn.Dense(3), nn.Dense(4), nn.Dense(3, use_bias=False), len,
    np.random.default_rng(0), np.random.default_rng(1), collections.OrderedDict(a=1), range(3),
    jax.grad(recipes.moved), jax.grad(recipes.moved, argnums=1), recipes.Noise(1), Setting, Color,
    recipes, samplers, optimizers, np, jax,
]  # fmt: skip


def test_what_differs_has_another_fingerprint():
    found = collections.defaultdict(list)
    for x in APART:
        found[fingerprint.value(x)].append(x)
    assert [same for same in found.values() if len(same) > 1] == []


@pytest.mark.parametrize(
    "one, other",
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (set("abcdef"), set("fedcba")),
        (100, 100.0),
        (10**20, 1e20),
        (np.arange(3, dtype=np.int32), jnp.arange(3, dtype=jnp.int32)),
        (np.ones((3, 2))[::2], np.ones((2, 2))),
        (recipes.moved, jax.jit(recipes.moved)),
        (recipes.moved, functools.lru_cache(recipes.moved)),
        (local_network(3), local_network(3)),
        (repeated(2), repeated(2)),
        (nn.Dense(3, parent=None), nn.Dense(3)),
    ],
)
def test_what_is_the_same_has_the_same(one, other):
    assert fingerprint.value(one) == fingerprint.value(other)


def test_what_was_computed_from_an_object_and_kept_in_it_does_not_count():
    class Numbers:
        def __init__(self, numbers):
            self.numbers = numbers

        @functools.cached_property
        def total(self):
            return sum(self.numbers)

    x = Numbers([1, 2])
    before = fingerprint.value(x)
    assert x.total == 3 and fingerprint.value(x) == before != fingerprint.value(Numbers([1, 3]))


def test_a_list_may_hold_itself():
    one, other = [1], [2]
    one.append(one)
    other.append(other)
    assert fingerprint.value(one) != fingerprint.value(other)


def test_what_cannot_be_seen_into_is_refused_in_one_line():
    with open(__file__) as file:
        for x in (file, threading.Lock(), (x for x in "ab"), jax.devices()[0]):
            with pytest.raises(InputError, match="hand over numbers, arrays") as caught:
                fingerprint.value({"setting": x})
            assert "\n" not in str(caught.value) and type(x).__name__ in str(caught.value)


def test_a_function_typed_at_a_prompt_is_refused():
    names: dict = {"__name__": "__console__"}
    exec("def typed():\n    return 1\nclass Kind:\n    pass\n", names)
    for x in (names["typed"], names["Kind"], names["Kind"]()):
        with pytest.raises(InputError, match="typed|Kind"):
            fingerprint.value(functools.partial(recipes.moved, x))
