"""Text generation: greedy, temperature and nucleus sampling with a key-value cache, compiled."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.errors import InputError, require
from kd_jax.losses._arrays import promoted
from kd_jax.losses._numbers import check_temperature


class Generated(NamedTuple):
    """ids [B, N] int32, 0 past a text's end; lengths [B]: with the stop token if any."""

    ids: Int[Array, "B N"]
    lengths: Int[Array, " B"]


def greedy(logits: Float[Array, "B V"], key: Any) -> Int[Array, " B"]:
    """The most probable token of each row; the first of equals, −1 where no token is possible."""
    return _or_none(jnp.argmax(logits, axis=-1), logits)


def _or_none(tokens: Int[Array, " B"], logits: Float[Array, "B V"]) -> Int[Array, " B"]:
    """The tokens, −1 where a logit is NaN or all are −∞."""
    return jnp.where(jnp.max(logits, -1) > -jnp.inf, tokens, -1).astype(jnp.int32)


def sampled(temperature: float | Array, top_p: float = 1.0) -> Callable:
    """Sampling from softmax(logits / temperature).

    Args:
        temperature: above 0; may be traced. At 0 it would be `greedy`.
        top_p: above 0, at most 1: only as many of the most probable tokens are drawn as together
            have this probability or more.

    Returns:
        choose(logits [B, V], key) -> tokens [B], −1 where no token is possible. Where logits are
        +∞ it is one of those.

    Raises:
        InputError: one of them is out of range.

    Source: Holtzman et al. 2020, arXiv 1904.09751, section 3.1 (nucleus sampling).
    """
    try:
        temperature = check_temperature(temperature)
    except ValueError as error:
        raise InputError(f"{error}; generation.greedy takes the most probable token") from None
    require(0 < top_p <= 1, f"top_p is {top_p}: expected above 0 and at most 1, which keeps all")

    def choose(logits, key):
        scaled = _scores(logits) / temperature
        scaled = nucleus(scaled, top_p) if top_p < 1 else scaled
        return _or_none(jax.random.categorical(key, scaled), logits)

    return choose


def _scores(logits: Float[Array, "B V"]) -> Float[Array, "B V"]:
    """The logits in 32 bits or more; beside +∞ nothing has a probability, and equals share it."""
    logits = promoted(logits)
    sure = jnp.any(logits == jnp.inf, -1, keepdims=True) & ~jnp.any(
        jnp.isnan(logits), -1, keepdims=True
    )
    return jnp.where(sure, jnp.where(logits == jnp.inf, 0, -jnp.inf), logits)


def nucleus(logits: Float[Array, "B V"], top_p: float) -> Float[Array, "B V"]:
    """The logits of the fewest most probable tokens with probability top_p; −∞ elsewhere.

    Of equally probable tokens the first are taken. A row with NaN stays as it is.
    """
    logits = _scores(logits)
    falling = jnp.sort(logits, axis=-1, descending=True)
    before = jnp.cumsum(jax.nn.softmax(falling), axis=-1) - jax.nn.softmax(falling)
    taken = (before < top_p) | (jnp.arange(logits.shape[-1]) == 0)  # also where float32 makes it 0
    least = jnp.min(jnp.where(taken, falling, jnp.inf), axis=-1, keepdims=True)
    wanted = jnp.sum(taken & (falling == least), axis=-1, keepdims=True)  # of those like the last
    first = jnp.cumsum(logits == least, axis=-1) <= wanted
    left_out = (logits < least) | ((logits == least) & ~first)
    return jnp.where(left_out, -jnp.inf, logits)


def generate(
    writer: Any,
    params: Any,
    ids: Int[Any, "B T"],
    mask: Bool[Any, "B T"],
    key: Any = None,
    *,
    tokens: int,
    stop: int | Sequence[int] = (),
    choose: Callable = greedy,
) -> Generated:
    """Continue prompts token by token, each up to its stop token, or to logits that are NaN.

    The call is for jit as it is; writer, tokens and choose are static.

    Args:
        writer: a models.llama.CachedDecoder.
        params: of the decoder.
        ids: prompts, padded on the left.
        mask: True for a token, False for padding.
        key: of choose(logits, key); token n is chosen with fold_in(key, n), whatever the length.
            None, which is given to it then, for one that draws nothing.
        tokens: N, the most that are written.
        stop: the token that ends a text, or several.
        choose: `greedy`, or what `sampled` gives.
    """
    batch, length = ids.shape
    logits, cache = writer.step(params, ids, mask, writer.empty(batch, length + tokens))
    params, cache = writer.prepare(params, cache)
    step = functools.partial(writer.step, params)
    return _written(step, logits, cache, key, tokens, stop, choose)


def _written(step, logits, cache, key, tokens, stop, choose):
    """The Generated texts after prompts whose last logits and cache are given."""
    batch, stop_ids = len(logits), jnp.atleast_1d(jnp.asarray(stop, jnp.int32))
    written = Generated(jnp.zeros((batch, tokens), jnp.int32), jnp.zeros(batch, jnp.int32))

    def choose_next(n, logits, going, written):
        own = None if key is None else jax.random.fold_in(key, n)
        chosen = choose(logits, own)
        going &= chosen >= 0  # where logits are NaN there is no token to choose
        chosen = jnp.where(going, chosen, 0)
        ids = jax.lax.dynamic_update_slice_in_dim(written.ids, chosen[:, None], n, 1)
        return chosen, going & ~jnp.isin(chosen, stop_ids), Generated(ids, written.lengths + going)

    def unfinished(state):
        n, _, going, _, _ = state
        return (n < tokens) & jnp.any(going)

    def one_more(state):
        n, chosen, going, written, cache = state
        logits, cache = step(chosen[:, None], going[:, None], cache)
        return n + 1, *choose_next(n, logits, going, written), cache

    first = choose_next(0, logits, jnp.ones(batch, bool), written)
    return jax.lax.while_loop(unfinished, one_more, (1, *first, cache))[3]
