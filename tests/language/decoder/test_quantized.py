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


@pytest.mark.parametrize("kind", quantized.BITS)
def test_numbers_are_those_of_the_package_gguf(kind):
    x = matrices((2, 64, 5))
    x[0, :32, 0], x[1, 32:, 1] = 0, np.linspace(-3, 3, 32)
    found = np.asarray(jax.jit(quantized.in_blocks, static_argnums=1)(x, kind))
    np.testing.assert_array_equal(found, by_library(x, kind))
    again = np.asarray(jax.jit(quantized.in_blocks, static_argnums=1)(found, kind))
    np.testing.assert_array_equal(again, found)  # what is rounded stays
    levels = {n: len(np.unique(found[0, 32:, n])) for n in range(5)}
    assert max(levels.values()) <= (16 if kind == "q4_0" else 32)


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


@pytest.mark.parametrize("kind", quantized.BITS)
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
    quantized.require_fits(NET)
    with pytest.raises(InputError, match="have 32, 32, 48 inputs: expected multiples of 32"):
        quantized.require_fits(MODEL.net)
