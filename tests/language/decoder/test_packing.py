"""Packed texts give the logits of each text alone, with windows too, and no token is lost."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from tiny_llama import NET, PARAMS, outputs

from kd_jax.language import tokens
from kd_jax.language.decoder import packing
from kd_jax.models import llama
from kd_jax.models.rotations import Rotation
from kd_jax.pretrained.chat import Encoded

IDS = [3, 1, 4, 1, 5], [9, 2, 6], [5, 3, 5, 8, 9, 7, 9], [2, 3], [8, 4]
COUNTED = "00110", "011", "0010011", "01", "11"
TEXTS = [Encoded(list(ids), [c == "1" for c in on]) for ids, on in zip(IDS, COUNTED)]
# of its two layers the second sees three tokens, and turns by itself
LOCAL = dataclasses.replace(
    NET,
    variant=NET.variant._replace(windows=(0, 3), rotations=(Rotation(100.0), Rotation(10.0))),
)


@functools.partial(jax.jit, static_argnums=0)
def read(net, params, texts):
    return llama.logits(params, tokens.answer_states(net, params, texts))


@pytest.mark.parametrize("net", [NET, LOCAL], ids=["whole", "windows"])
def test_a_packed_token_is_predicted_as_in_its_text_alone(net):
    packed = packing.packed(TEXTS, 8)
    assert packed.tokens.ids.shape == (3, 8)  # 5 + 3 | 7 | 2 + 2 tokens
    found, apply = np.asarray(read(net, PARAMS, packed)), outputs(net)
    seen = 0
    for number, (ids, counted) in enumerate(TEXTS):
        alone = np.zeros((1, 8), int)
        alone[0, : len(ids)] = ids
        whole, _ = apply(PARAMS, {"ids": alone, "mask": np.arange(8)[None] < len(ids)})
        wanted = [whole[0, n - 1] for n in range(1, len(ids)) if counted[n]]
        own = (packed.numbers == number) & packed.answers.mask
        assert packed.answers.ids[own].tolist() == [
            ids[n] for n in range(1, len(ids)) if counted[n]
        ]
        np.testing.assert_allclose(found[own], wanted, rtol=1e-4, atol=1e-5)
        seen += own.sum()
    assert seen == packed.answers.mask.sum() == 2 + 2 + 3 + 1 + 1  # the first token of none


def test_a_row_may_hold_one_text_alone():
    packed = packing.packed(TEXTS, 8, alone=True)
    assert packed.tokens.mask.max(1).tolist() == [1] * 5
    assert packed.tokens.mask.sum(1).tolist() == [len(ids) for ids in IDS]


def test_bins_hold_each_text_once_and_no_more_than_their_room():
    random = np.random.default_rng(0)
    lengths = random.integers(1, 65, 500).tolist()
    found = packing.bins(lengths, 64)
    assert sorted(n for each in found for n in each) == list(range(500))
    assert max(sum(lengths[n] for n in each) for each in found) <= 64
    assert len(found) <= 11 / 9 * np.ceil(sum(lengths) / 64) + 1
