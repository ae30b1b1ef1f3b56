"""The smallest BERT that several tests share, and its equations in float64 NumPy."""

import jax
import numpy as np
from scipy import special

from kd_jax.models import bert
from kd_jax.training.state import stateless

NET = bert.Bert(
    vocabulary=11, width=8, layers=2, heads=2, intermediate_size=12, max_position_embeddings=9
)


def outputs(net):
    """The compiled (params, tokens) -> (vectors, features) of a Bert."""
    apply = bert.sentence_encoder(net).apply
    return jax.jit(lambda params, tokens: apply(stateless(params), tokens)[0])


APPLY = outputs(NET)


def random_params(net, seed):
    """Parameters none of which is 0 or 1, so that none can be forgotten."""
    like = jax.eval_shape(bert.sentence_encoder(net).init, jax.random.key(0))["params"]
    random = np.random.default_rng(seed)
    return jax.tree.map(lambda x: random.normal(size=x.shape).astype(np.float32) / 2, like)


def by_hand(p, ids, mask, heads=2):
    """Hidden states [layers + 1, T, D] of one text, in float64, position by position."""
    p = jax.tree.map(np.float64, p)

    def norm(x, of):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12) * of[
            "scale"
        ] + of["bias"]

    def dense(x, of):
        return x @ of["kernel"] + of["bias"]

    e = p["embeddings"]
    x = e["word"][ids] + e["position"][: len(ids)] + (e["type"][0] if "type" in e else 0)
    found = [norm(x, e["norm"])]
    for layer in range(len(p["layers"]["norm"]["bias"])):
        of = jax.tree.map(lambda a, n=layer: a[n], p["layers"])
        x = found[-1]
        q, k, v = (dense(x, of[name]) for name in ("query", "key", "value"))
        seen = np.zeros_like(x)
        size = x.shape[1] // heads
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = q[:, part] @ k[:, part].T / np.sqrt(size)
            weights = special.softmax(np.where(mask, scores, -np.inf), axis=-1)
            seen[:, part] = weights @ v[:, part]
        x = norm(x + dense(seen, of["attended"]), of["attention_norm"])
        wide = dense(x, of["inner"])
        wide = wide * special.ndtr(wide)  # GELU(x) = x Φ(x)
        found.append(norm(x + dense(wide, of["outer"]), of["norm"]))
    return np.array(found)
