"""A cache of tokens is different ids and probabilities of sum 1 at most: refused, or NaN alone."""

import jax
import numpy as np
import pytest

from kd_jax.losses import cached_top_k

Z = np.zeros((6, 5), np.float32)
TOKENS = np.array([[0, 1, 2], [4, 3, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2]])
LOG_P = np.log(np.float32([[0.5, 0.3, 0.1]] * 6))
TWICE = np.where(np.arange(6)[:, None] == 1, [4, 3, 4], TOKENS)


@pytest.mark.parametrize("log_p, tokens, said", [
    (LOG_P, TWICE, r"row 1 of the cache has the tokens \[3, 4, 4\]"),
    (LOG_P * 0, TOKENS, r"row 0 of the cache .* of sum 3: expected different ones"),
    (LOG_P + np.float32(np.nan), TOKENS, r"row 0 of the cache .* of sum nan"),
    (LOG_P, TOKENS + 1, "tokens run from 1 to 5: expected 0 to 4"),
])  # fmt: skip
def test_what_is_known_to_be_no_cache_is_refused(log_p, tokens, said):
    with pytest.raises(ValueError, match=said):
        cached_top_k(Z, log_p, tokens)
    with pytest.raises(ValueError, match=said):  # known while the student is traced
        jax.eval_shape(lambda z: cached_top_k(z, log_p, tokens), Z)
    kept = np.zeros(6, bool)
    assert not np.asarray(cached_top_k(Z, log_p, tokens, where=kept)).any()


def test_a_row_that_is_no_cache_gives_nan_alone_and_no_gradient():
    tokens, log_p = TOKENS.copy(), LOG_P.copy()
    tokens[1:4] = [0, 2, 2], [0, 1, 5], [-1, 1, 2]
    log_p[4] += np.log(np.float32(1.5))  # sum 1.35
    log_p[5, 1] = np.nan

    @jax.jit
    def found(z, where):
        def summed(z):
            values = cached_top_k(z, log_p_, tokens_, where=where)
            return values.sum(), values

        log_p_, tokens_ = jax.lax.optimization_barrier((log_p, tokens))  # not known any more
        return jax.value_and_grad(summed, has_aux=True)(z)

    (_, values), gradient = found(Z, np.ones(6, bool))
    # q = 1/5 each: .5 log 2.5 + .3 log 1.5 + .1 log .5 + .1 log (.1/.4)
    assert float(values[0]) == pytest.approx(0.3718407, abs=1e-6)
    assert np.isnan(values[1:]).all()
    # q − p of the coarsened: a bad row has none
    np.testing.assert_allclose(gradient[0], [-0.3, -0.1, 0.1, 0.15, 0.15], atol=1e-6)
    assert not gradient[1:5].any()
    (total, values), _ = found(Z, np.arange(6) < 1)
    assert float(total) == pytest.approx(0.3718407, abs=1e-6) and not values[1:].any()
