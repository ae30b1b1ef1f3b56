"""A Llama with its layers unrolled is the Llama: hidden states, gradients, windows, cache."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_llama import NET, PARAMS

from kd_jax.language import generation
from kd_jax.models import llama, llama_unrolled
from kd_jax.models.llama_unrolled import Unrolled
from kd_jax.models.rotations import Rotation
from kd_jax.models.variants import Variant

IDS = np.array([[1, 5, 3, 7, 2], [2, 9, 4, 0, 0]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)
KINDS = Variant(windows=(2, 0), rotations=(Rotation(50.0), None), scaled_embeddings=True)
close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)


def test_parameters_of_layers_are_apart_and_together_again():
    apart = llama_unrolled.unstacked(PARAMS)
    assert len(apart["layers"]) == NET.layers
    assert (
        apart["layers"][1]["up"]["kernel"].tolist() == PARAMS["layers"]["up"]["kernel"][1].tolist()
    )
    jax.tree.map(np.testing.assert_array_equal, llama_unrolled.stacked(apart), PARAMS)


@pytest.mark.parametrize(
    "net, mask",
    [
        (NET, MASK),
        (dataclasses.replace(NET, variant=KINDS, remat=True), MASK),
        (NET, np.array([[1, 1, 2, 2, 2], [1, 1, 1, 0, 0]])),
    ],
    ids=["plain", "layers of two kinds, computed again", "several texts in a row"],
)
def test_hidden_states_and_gradients_are_the_llama_s(net, mask):
    weights = np.random.default_rng(0).normal(size=(3, 2, 5, 8)).astype(np.float32)

    def loss(apply, params):
        hidden, cache = apply({"params": params}, IDS, mask)
        assert cache is None
        return jnp.sum(jnp.where((mask > 0)[..., None], hidden * weights, 0)), hidden

    def found(apply, params):
        run = jax.jit(jax.value_and_grad(functools.partial(loss, apply), has_aux=True))
        return run(params)

    (_, hidden), gradient = found(Unrolled(net).apply, llama_unrolled.unstacked(PARAMS))
    (_, expected), theirs = found(net.apply, PARAMS)
    close(hidden[:, mask > 0], expected[:, mask > 0])
    jax.tree.map(close, llama_unrolled.stacked(gradient), theirs)


@pytest.mark.parametrize("net", [NET, dataclasses.replace(NET, variant=KINDS)])
def test_texts_are_written_alike(net, monkeypatch):
    def written(decoder, params):
        write = functools.partial(generation.generate, decoder, tokens=7)
        return jax.jit(write)(params, IDS[:, ::-1], MASK[:, ::-1]).ids.tolist()

    expected = written(llama.cached_decoder(net), PARAMS)
    monkeypatch.setattr(llama_unrolled, "is_faster", lambda: True)
    long = llama_unrolled.cached_decoder(net)
    assert written(long, PARAMS) == written(long, llama_unrolled.unstacked(PARAMS)) == expected
    monkeypatch.setattr(llama_unrolled, "is_faster", lambda: False)
    assert written(llama_unrolled.cached_decoder(net), PARAMS) == expected
