"""The Llama decoder against the equations in float64 NumPy, and what may not change its output."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special
from tiny_llama import APPLY, NET, PARAMS, SIZES, outputs, random_params

from kd_jax.models import llama

IDS = np.array([[1, 5, 3, 7, 2], [2, 9, 4, 0, 0]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)


def by_hand(net, p, ids):
    """(logits [T, V], hidden [layers + 1, T, D]) of one text, in float64, pair by pair."""
    p = jax.tree.map(np.float64, p)

    def norm(x, of):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + net.epsilon) * of["scale"]

    def dense(x, of):
        return x @ of["kernel"] + of.get("bias", 0)

    def turned(x, position):
        found, half = np.zeros_like(x), net.head_dim // 2
        for i in range(half):
            turn = np.exp(1j * position * net.theta ** (-2 * i / net.head_dim))
            pair = (x[i] + 1j * x[i + half]) * turn
            found[i], found[i + half] = pair.real, pair.imag
        return found

    x, found = p["embedding"][ids], [p["embedding"][ids]]
    for layer in range(net.layers):
        of = jax.tree.map(lambda a, n=layer: a[n], p["layers"])
        y = norm(x, of["attention_norm"])
        q, k, v = (
            dense(y, of[name]).reshape(len(ids), -1, net.head_dim)
            for name in ("query", "key", "value")
        )
        seen = np.zeros_like(q)
        for head in range(net.heads):
            group = head // (net.heads // net.num_kv_heads)
            for t in range(len(ids)):
                rotated = turned(q[t, head], t)
                scores = [rotated @ turned(k[s, group], s) for s in range(t + 1)]
                weights = special.softmax(np.array(scores) / np.sqrt(net.head_dim))
                seen[t, head] = weights @ v[: t + 1, group]
        x = x + dense(seen.reshape(len(ids), -1), of["attended"])
        y = norm(x, of["inner_norm"])
        gate = dense(y, of["gate"])
        x = x + dense(gate * special.expit(gate) * dense(y, of["up"]), of["down"])
        found.append(x)
    found[-1] = norm(x, p["norm"])
    return found[-1] @ p.get("head", p["embedding"].T), np.array(found)


def test_every_layer_is_what_the_equations_give():
    logits, features = jax.tree.map(np.asarray, APPLY(PARAMS, {"ids": IDS, "mask": MASK}))
    assert features["hidden"].shape == (3, 2, 5, 8)
    for row, (ids, mask) in enumerate(zip(IDS, MASK)):
        expected, hidden = by_hand(NET, PARAMS, ids[mask])
        np.testing.assert_allclose(features["hidden"][:, row, mask], hidden, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(logits[row, mask], expected, rtol=1e-4, atol=1e-5)


def test_tied_and_with_biases_it_is_a_small_qwen2():
    net = llama.Llama(**SIZES | {"num_kv_heads": 1, "layers": 1}, tied=True, biases=True)
    params = random_params(net, 1)
    assert set(params) == {"embedding", "layers", "norm"}
    assert [n for n in params["layers"] if "bias" in params["layers"][n]] == [
        "key", "query", "value",
    ]  # fmt: skip
    logits, _ = outputs(net)(params, {"ids": IDS[:1], "mask": MASK[:1]})
    np.testing.assert_allclose(logits[0], by_hand(net, params, IDS[0])[0], rtol=1e-4, atol=1e-5)


def test_no_token_depends_on_a_later_one():
    def logits_by(table):
        params = PARAMS | {"embedding": table}
        return APPLY(params, {"ids": np.arange(5)[None], "mask": np.ones((1, 5), bool)})[0][0]

    slopes = jax.jit(jax.jacobian(logits_by))(PARAMS["embedding"])
    slopes = slopes[:, :, :5]  # token n stands at place n
    strength = np.abs(slopes).max((1, 3))
    assert (strength[np.triu_indices(5, 1)] == 0).all()
    assert (strength[np.tril_indices(5)] > 0).all()


@pytest.mark.parametrize("left", [False, True])
def test_padding_changes_nothing(left):
    alone, _ = APPLY(PARAMS, {"ids": IDS[1:, :3], "mask": MASK[1:, :3]})
    ids, mask = np.full((2, 5), 6), np.zeros((2, 5), bool)  # 6: what stands where no token is
    place = slice(2, 5) if left else slice(0, 3)
    ids[1, place], mask[1, place] = IDS[1, :3], True
    padded, features = APPLY(PARAMS, {"ids": ids, "mask": mask})
    np.testing.assert_allclose(padded[1, place], alone[0], rtol=1e-5, atol=1e-6)
    assert np.isfinite(features["hidden"]).all()  # rows and places without a token too

    @jax.jit
    @jax.grad
    def slopes_of_tokens(table):
        logits, _ = APPLY(PARAMS | {"embedding": table}, {"ids": ids, "mask": mask})
        return jnp.sum(jnp.where(mask[..., None], logits, 0) ** 2)

    slopes = slopes_of_tokens(PARAMS["embedding"])
    assert np.isfinite(slopes).all() and (slopes[6] == 0).all()


def test_remat_layers_have_the_same_gradients():
    def slopes(net):
        def loss(params):
            logits, _ = outputs(net)(params, {"ids": IDS, "mask": MASK})
            return jnp.sum(jnp.sin(logits))

        return jax.jit(jax.grad(loss))(PARAMS)

    again = slopes(llama.Llama(**SIZES, remat=True))
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)  # noqa: E731
    jax.tree.map(close, again, slopes(NET))


def test_bfloat16_is_near_and_its_logits_are_float32():
    net = llama.Llama(**SIZES, dtype=jnp.bfloat16)
    short, features = outputs(net)(PARAMS, {"ids": IDS, "mask": MASK})
    exact, _ = APPLY(PARAMS, {"ids": IDS, "mask": MASK})
    assert short.dtype == jnp.float32 and features["hidden"].dtype == jnp.bfloat16
    error = np.linalg.norm((short - exact)[MASK]) / np.linalg.norm(exact[MASK])
    assert 0 < error < 0.03
