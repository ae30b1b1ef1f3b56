"""LoRA begins as the decoder is, its gradient is that of the product's chain, the rest stays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from tiny_llama import NET, random_params

from kd_jax.language.decoder import lora
from kd_jax.training.state import Batch, Outcome

PARAMS = random_params(NET, 0)
ADAPTERS = lora.adapters(PARAMS, 2, seed=1)


def test_new_adapters_change_nothing_and_have_the_rank():
    found = jax.jit(lora.merged)(PARAMS, ADAPTERS, 2.0)
    jax.tree.map(np.testing.assert_array_equal, found, PARAMS)
    for name, each in ADAPTERS.items():
        layers, inputs, outputs = PARAMS["layers"][name]["kernel"].shape
        assert each["a"].shape == (layers, inputs, 2) and each["b"].shape == (layers, 2, outputs)
        assert each["a"].any() and not each["b"].any()


def test_the_gradient_is_that_of_the_product():
    """Of L = Σ G ∘ (W + s A B): dL/dA = s G Bᵀ and dL/dB = s Aᵀ G, layer by layer in NumPy."""
    random = np.random.default_rng(2)
    like = jax.tree.map(lambda x: random.normal(size=x.shape).astype(np.float32), ADAPTERS)
    g = random_params(NET, 3)

    def loss_fn(variables, batch, key):
        parts = jax.tree.map(lambda a, b: (a * b).sum(), variables["params"], g)
        return Outcome(sum(jax.tree.leaves(parts)))

    def total(adapters):
        variables = {"params": adapters, "state": {}}
        batch = Batch({}, shared={"base": PARAMS})
        return lora.adapted(loss_fn, 0.5)(variables, batch, None).loss

    found = jax.jit(jax.grad(total))(like)
    for name, each in like.items():
        own = g["layers"][name]["kernel"]
        wanted = 0.5 * own @ each["b"].swapaxes(1, 2), 0.5 * each["a"].swapaxes(1, 2) @ own
        np.testing.assert_allclose(found[name]["a"], wanted[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found[name]["b"], wanted[1], rtol=1e-4, atol=1e-5)
    whole = lora.merged(PARAMS, like, 0.5)
    for name in ("embedding", "norm"):
        assert whole[name] is PARAMS[name]
    up = PARAMS["layers"]["up"]["kernel"] + 0.5 * like["up"]["a"] @ like["up"]["b"]
    np.testing.assert_allclose(whole["layers"]["up"]["kernel"], up, rtol=1e-5, atol=1e-6)


def test_a_matrix_with_its_change_is_that_of_qwix():
    """What Qwix's LoRA makes of a dense layer, with the same A and B, is x (W + α/r A B)."""
    qwix = pytest.importorskip("qwix", reason="needs the extra text")
    random = np.random.default_rng(4)
    rank, alpha = 2, 6.0
    kernel = np.asarray(PARAMS["layers"]["up"]["kernel"][0])
    x = random.normal(size=(3, NET.width)).astype(np.float32)
    rule = qwix.LoraRule(module_path=".*", rank=rank, alpha=alpha)
    dense = nn.Dense(kernel.shape[1], use_bias=False, dtype=np.float32)
    theirs = qwix.apply_lora_to_model(dense, qwix.LoraProvider([rule]))
    params = theirs.init(jax.random.key(0), x)["params"]
    drawn = {
        name: random.normal(size=params[f"kernel_lora_{name}"].shape).astype(np.float32)
        for name in "ab"
    }
    own = {f"kernel_lora_{name}": each for name, each in drawn.items()}
    given = jax.tree.map(jnp.asarray, params | {"kernel": kernel} | own)  # as it looks for these
    wanted = theirs.apply({"params": given}, x)
    adapters = ADAPTERS | {"up": jax.tree.map(lambda each: each[None].repeat(NET.layers, 0), drawn)}
    whole = lora.merged(PARAMS, adapters, alpha / rank)
    np.testing.assert_allclose(x @ whole["layers"]["up"]["kernel"][0], wanted, rtol=1e-4, atol=1e-5)
