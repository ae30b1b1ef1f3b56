"""The smallest Llama that several tests share: its network, parameters and compiled function."""

import jax
import numpy as np

from kd_jax.models import llama
from kd_jax.training.state import stateless

SIZES = dict(
    vocabulary=11,
    width=8,
    layers=2,
    heads=4,
    num_kv_heads=2,
    head_dim=6,
    intermediate_size=10,
    theta=100.0,
)
NET = llama.Llama(**SIZES)


def random_params(net, seed):
    """Parameters none of which is 0 or 1, so that none can be forgotten."""
    like = jax.eval_shape(llama.decoder(net).init, jax.random.key(0))["params"]
    random = np.random.default_rng(seed)
    return jax.tree.map(lambda x: random.normal(size=x.shape).astype(np.float32) / 2, like)


PARAMS = random_params(NET, 0)


def outputs(net):
    """The compiled (params, tokens) -> (logits, features) of a Llama."""
    apply = llama.decoder(net).apply
    return jax.jit(lambda params, tokens: apply(stateless(params), tokens)[0])


APPLY = outputs(NET)
