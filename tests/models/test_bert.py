"""The BERT encoder against the equations in float64 NumPy, and what padding may not change."""

import jax
import numpy as np
from scipy import special

from kd_jax.models import bert

NET = bert.Bert(vocabulary=11, width=8, layers=2, heads=2, inner=12, positions=9)
IDS = np.array([[1, 5, 3, 7], [2, 9, 0, 0]])
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)


def random_params(net, seed):
    """Parameters none of which is 0 or 1, so that none can be forgotten."""
    like = jax.eval_shape(bert.sentence_encoder(net).init, jax.random.key(0))
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


def test_every_layer_is_what_the_equations_give():
    params = random_params(NET, 0)
    vectors, features = bert.sentence_encoder(NET).apply(params, {"ids": IDS, "mask": MASK})
    assert features["hidden"].shape == (3, 2, 4, 8)
    for row, (ids, mask) in enumerate(zip(IDS, MASK)):
        expected = by_hand(params, ids, mask)
        np.testing.assert_allclose(features["hidden"][:, row], expected, rtol=1e-4, atol=1e-5)
        mean = expected[-1][mask].mean(0)
        np.testing.assert_allclose(vectors[row], mean / np.linalg.norm(mean), atol=1e-5)


def test_without_token_types_it_is_distilbert():
    net = bert.Bert(vocabulary=11, width=8, layers=1, heads=4, inner=6, types=0)
    params = random_params(net, 1)
    assert set(params["embeddings"]) == {"word", "position", "norm"}
    _, features = bert.sentence_encoder(net).apply(params, {"ids": IDS[:1], "mask": MASK[:1]})
    expected = by_hand(params, IDS[0], MASK[0], heads=4)
    np.testing.assert_allclose(features["hidden"][:, 0], expected, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing():
    apply, params = bert.sentence_encoder(NET).apply, random_params(NET, 2)
    short, _ = apply(params, {"ids": IDS[1:, :2], "mask": MASK[1:, :2]})
    other = IDS.copy()
    other[1, 2:] = 6  # what stands where there is no token
    long, _ = apply(params, {"ids": other, "mask": MASK})
    np.testing.assert_allclose(long[1], short[0], atol=1e-6)
    empty, _ = apply(params, {"ids": IDS[:1], "mask": MASK[:1] & False})
    assert np.isfinite(empty).all()  # a row that only fills a batch
