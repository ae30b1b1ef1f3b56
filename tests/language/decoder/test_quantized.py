"""Matrices rounded while they learn: the package gguf's numbers, gradients of nothing rounded."""

import dataclasses

import jax
import numpy as np
import pytest

pytest.importorskip("gguf", reason="needs the extra text")

import gguf

from kd_jax.errors import InputError
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import quantized
from kd_jax.models import llama_unrolled
from kd_jax.pretrained import gguf_writer, load

MODEL = tiny_teacher.chat_model(jax.random.key(0), ["abab abab"])
NET = dataclasses.replace(MODEL.net, intermediate_size=64)


def matrices(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_library(x, kind):
    """[L, I, O], whose files have rows of I numbers."""
    of = gguf.GGMLQuantizationType[kind.upper()]
    rows = np.ascontiguousarray(x.swapaxes(-1, -2))
    return gguf.dequantize(gguf.quantize(rows, of), of).reshape(rows.shape).swapaxes(-1, -2)


@pytest.mark.parametrize("kind", quantized.LLAMA_CPP)
def test_numbers_are_those_of_the_package_gguf(kind):
    x = matrices((2, 64, 5))
    x[0, :32, 0], x[1, 32:, 1] = 0, np.linspace(-3, 3, 32)
    found = np.asarray(jax.jit(quantized.in_blocks, static_argnums=1)(x, kind))
    np.testing.assert_array_equal(found, by_library(x, kind))
    again = np.asarray(jax.jit(quantized.in_blocks, static_argnums=1)(found, kind))
    np.testing.assert_array_equal(again, found)  # what is rounded stays
    levels = {n: len(np.unique(found[0, 32:, n])) for n in range(5)}
    assert max(levels.values()) <= (16 if kind == "q4_0" else 32)


@pytest.mark.parametrize(("kind", "bits"), [("int8", 8), ("int4", 4)])
def test_integers_of_qwix_share_a_scale_for_every_block(kind, bits):
    pytest.importorskip("qwix", reason="needs the extra text")
    x = matrices((2, 64, 5), seed=4)
    found = np.asarray(jax.jit(quantized.in_blocks, static_argnums=1)(x, kind))
    largest = 2 ** (bits - 1) - 0.5  # in scales, and so rounded up or down
    blocks, found = x.astype(np.float64).reshape(2, 2, 32, 5), found.reshape(2, 2, 32, 5)
    scale = np.abs(blocks).max(2, keepdims=True) / largest
    farthest = np.abs(blocks) == np.abs(blocks).max(2, keepdims=True)
    expected = scale * np.rint(blocks / scale)
    np.testing.assert_allclose(found[~farthest], expected[~farthest], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        np.abs(found - blocks)[farthest],
        np.broadcast_to(scale, x.shape[:1] + blocks.shape[1:])[farthest] / 2,
        rtol=1e-3,
    )


def test_nf4_is_among_16_numbers_and_what_is_rounded_stays():
    pytest.importorskip("qwix", reason="needs the extra text")
    x = matrices((1, 32, 3), seed=5)
    found = np.asarray(quantized.in_blocks(x, "nf4"))
    # Dettmers et al. 2023, arXiv 2305.14314, appendix E, of a number between 0 and the largest
    table = np.array([
        -1, -0.6961928, -0.5250731, -0.3949175, -0.2844414, -0.1847734, -0.0910500, 0,
        0.0795803, 0.1609302, 0.2461123, 0.3379152, 0.4407098, 0.5626170, 0.7229568, 1,
    ])  # fmt: skip
    parts = found / np.abs(x).max(1, keepdims=True)
    assert np.abs(parts[..., None] - table).min(-1).max() < 1e-4
    nearest = np.abs((x / np.abs(x).max(1, keepdims=True))[..., None] - table).min(-1)
    assert np.abs(np.abs(found - x) / np.abs(x).max(1, keepdims=True) - nearest).max() < 1e-3


@pytest.fixture(scope="module")
def params():
    sizes = jax.tree.map(lambda x: tuple(64 if n == 48 else n for n in x.shape), MODEL.params)
    return jax.tree.map(matrices, sizes, is_leaf=lambda x: isinstance(x, tuple))


def test_layers_alone_are_rounded_stacked_or_not_and_gradients_pass(params):
    found = jax.jit(quantized.rounded, static_argnums=1)(params, "q4_0")
    for name in ("query", "up", "down"):
        kernel = params["layers"][name]["kernel"]
        np.testing.assert_allclose(
            found["layers"][name]["kernel"], by_library(kernel, "q4_0"), rtol=1e-5, atol=1e-6
        )
    np.testing.assert_array_equal(found["embedding"], params["embedding"])
    unrolled = jax.jit(quantized.rounded, static_argnums=1)(
        llama_unrolled.unstacked(params), "q4_0"
    )
    jax.tree.map(np.testing.assert_array_equal, llama_unrolled.stacked(unrolled), found)

    def loss(variables, batch, key):
        return (variables["params"]["layers"]["up"]["kernel"] ** 2).sum()

    rounding = quantized.rounding(loss, "q4_0")
    gradient = jax.jit(jax.grad(lambda p: rounding({"params": p}, None, None)))(params)
    np.testing.assert_allclose(
        gradient["layers"]["up"]["kernel"], 2 * found["layers"]["up"]["kernel"], rtol=1e-6
    )


@pytest.mark.parametrize("kind", quantized.LLAMA_CPP)
def test_a_file_of_few_bits_has_the_rounded_numbers(kind, params, tmp_path):
    found = jax.tree.map(np.asarray, jax.jit(quantized.rounded, static_argnums=1)(params, kind))
    sizes = []
    for layers in (kind, ""):
        path = tmp_path / f"{layers}.gguf"
        gguf_writer.save(path, NET, found, MODEL, "float32", layers)
        again = load.load(str(path))
        close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)  # noqa: E731
        jax.tree.map(close, again.params, found)
        sizes.append(path.stat().st_size)
    assert sizes[0] < sizes[1]


def test_blocks_fill_the_inputs_or_it_is_one_line():
    quantized.require_fits(NET, "q4_0")
    with pytest.raises(InputError, match="have 32, 32, 48 inputs: expected multiples of 32"):
        quantized.require_fits(MODEL.net, "q4_0")
