"""Keys by name: what the documented construction gives, and none twice."""

import hashlib

import jax
import numpy as np
import pytest

from kd_jax.training import keys


def numbers(key):
    return jax.random.key_data(key).tolist()


def test_a_key_is_the_base_seed_with_every_name_folded_in():
    word = int(hashlib.sha256(b"student").hexdigest()[:8], 16)
    by_hand = jax.random.fold_in(jax.random.fold_in(jax.random.key(7), np.uint32(word)), 3)
    assert numbers(keys.key(7, "student", 3)) == numbers(by_hand)
    assert numbers(keys.key(7)) == numbers(jax.random.key(7))


def test_more_keys_begin_with_fewer():
    ten = keys.keys(1, "student", 0, count=10)
    assert numbers(keys.keys(1, "student", 0, count=4)) == numbers(ten[:4])
    for i in range(10):
        assert numbers(ten[i]) == numbers(keys.key(1, "student", 0, i))


def test_other_names_and_base_seeds_give_other_keys_and_numbers():
    named = [
        (seed, *names)
        for seed in (0, 1, 2**32 - 1)
        for names in ((), ("student",), ("order",), ("student", 0), ("student", 1), (0, "student"))
    ]
    assert len({str(numbers(keys.key(*name))) for name in named}) == len(named)
    assert len({keys.number(*name) for name in named}) == len(named)


@pytest.mark.parametrize("names", [("draw",), ("draw", 3)])
def test_a_number_seeds_numpy(names):
    text = "[5, " + ", ".join({"draw": '"draw"', 3: "3"}[n] for n in names) + "]"
    by_hand = int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)
    assert keys.number(5, *names) == by_hand
    np.random.default_rng(keys.number(5, *names))
