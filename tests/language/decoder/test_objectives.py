"""Objectives by name: each number of a grid is a row; what rows learn by NumPy."""

import jax
import numpy as np
import pytest
from scipy import special

from kd_jax.data.padding import Tokens
from kd_jax.language.decoder import objectives
from kd_jax.language.tokens import Answered

GRIDS = {
    "beta": (0.2, 0.7), "alpha": (0.1,), "top_k": (2, 3), "on_policy_fraction": (0.5, 1.0),
    "uld_weight": (0.5, 1.5),
}  # fmt: skip
RANDOM = np.random.default_rng(4)
Z, V = RANDOM.normal(size=(2, 1, 3, 5))
MASK = np.array([[True, False, True]])


def rows_of(name):
    return [each.row for each in objectives.grid(name, GRIDS)]


def test_each_number_of_a_grid_is_a_row_and_each_combination_of_two():
    assert rows_of("jsd") == ["JSD, beta 0.2", "JSD, beta 0.7"]
    assert rows_of("top_k") == ["top 2 and tail", "top 3 and tail"]
    assert rows_of("forward_kl") == ["forward KL"]
    assert rows_of("on_policy") == [
        f"on-policy JSD, beta {b}, lambda {x}" for b in ("0.2", "0.7") for x in ("0.5", "1")
    ]
    assert rows_of("on_policy_reverse_kl") == [
        f"on-policy reverse KL, lambda {x}" for x in ("0.5", "1")
    ]


def kl(p, q):
    return (p * (np.log(p) - np.log(q))).sum(-1)


@pytest.mark.parametrize("prefixes", ["", "on_policy_"])
@pytest.mark.parametrize("direction", ["forward_kl", "reverse_kl"])
def test_two_sources_of_prefixes_and_two_directions(prefixes, direction):
    """Whose prefixes they are does not change what is learned of them."""
    found = objectives.grid(prefixes + direction, GRIDS)
    assert [each.on_policy_fraction for each in found] == ([0.5, 1.0] if prefixes else [0])
    assert objectives.writes(prefixes + direction) == bool(prefixes)
    texts = Answered(Tokens(np.zeros((1, 3), int), MASK))
    rows = {"texts": texts, "hidden": V}
    value = jax.jit(found[0].term)(Z, rows, {"head": np.eye(5)})
    q, p = special.softmax(Z, -1), special.softmax(V, -1)
    wanted = kl(p, q) if direction == "forward_kl" else kl(q, p)
    np.testing.assert_allclose(value, np.where(MASK, wanted, 0), rtol=1e-5)


def test_beside_sft_sorted_probabilities_count_where_both_have_read_the_same():
    """cross-entropy + λ Σ |sorted q − sorted p|, of other numbers of tokens on each side."""
    alone, *mixed = objectives.grid("universal_logit", GRIDS) + objectives.grid(
        "sft_universal_logit", GRIDS
    )
    assert [x.row for x in mixed] == ["SFT + 0.5 · universal logit", "SFT + 1.5 · universal logit"]
    theirs = np.random.default_rng(5).normal(size=(1, 3, 7))
    ids, both = np.array([[4, 0, 2]]), np.array([[False, False, True]])
    rows = {"texts": Answered(Tokens(ids, MASK)), "hidden": theirs, "both": both}
    log_q, p = special.log_softmax(Z, -1), special.softmax(theirs, -1)
    q = np.pad(np.exp(log_q), ((0, 0), (0, 0), (2, 0)))  # the shorter is filled with 0
    distance = np.where(both, np.abs(np.sort(q) - np.sort(p)).sum(-1), 0)
    sft = np.where(MASK, -np.take_along_axis(log_q, ids[..., None], -1)[..., 0], 0)
    for each, wanted in zip([alone, *mixed], (0, 0.5, 1.5)):
        value = jax.jit(each.term)(Z, rows, {"head": np.eye(7)})
        wanted = sft + wanted * distance if wanted else distance
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-7)
    del rows["both"]  # the same tokens on both sides
    everywhere = np.where(MASK, np.abs(np.sort(q) - np.sort(p)).sum(-1), 0)
    value = jax.jit(alone.term)(Z, rows, {"head": np.eye(7)})
    np.testing.assert_allclose(value, everywhere, rtol=1e-5)


@pytest.mark.parametrize("name", objectives.NAMES)
def test_a_name_has_one_row_of_usual_numbers(name):
    usual = {key: (value,) for key, value in objectives.Numbers()._asdict().items()}
    assert [each.row for each in objectives.grid(name, usual)] == [
        objectives.named(name, objectives.Numbers()).row
    ]
