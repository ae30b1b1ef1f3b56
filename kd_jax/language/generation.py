"""Texts that a decoder writes: prompts at once, then token by token, in one compiled program."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Generated(NamedTuple):
    """ids [B, N] int32, 0 past a text's end; lengths [B]: with the stop token if any."""

    ids: jax.Array
    lengths: jax.Array


def greedy(logits, key):
    """The likeliest token [B] of logits [B, V]; the first of equals."""
    return jnp.argmax(logits, axis=-1).astype(jnp.int32)


def sampled(temperature, top_p=1.0):
    """(logits [B, V], key) -> tokens [B] drawn from softmax(logits / temperature).

    top_p: of the likeliest tokens as many as together have this probability or more; the others
    are not drawn. Source: Holtzman et al. 2020, arXiv 1904.09751, section 3.1.
    """

    def choose(logits, key):
        kept = nucleus(logits / temperature, top_p) if top_p < 1 else logits / temperature
        return jax.random.categorical(key, kept).astype(jnp.int32)

    return choose


def nucleus(logits, top_p):
    """The logits [B, V] of the fewest likeliest tokens with probability top_p; −∞ elsewhere."""
    falling = jnp.sort(logits, axis=-1, descending=True)
    before = jnp.cumsum(jax.nn.softmax(falling), axis=-1) - jax.nn.softmax(falling)
    least = jnp.min(jnp.where(before < top_p, falling, jnp.inf), axis=-1, keepdims=True)
    return jnp.where(logits >= least, logits, -jnp.inf)


def generate(writer, params, ids, mask, key, *, tokens, stop=(), choose=greedy):
    """The Generated continuations of prompts, `tokens` at most, each up to its stop token.

    writer: has empty(B, S) -> cache and step(params, ids, mask, cache) -> (logits [B, V], cache).
    ids, mask: [B, T] prompts, padded on the left. key: of choose(logits, key); token n is chosen
    with fold_in(key, n), whatever the length. stop: token numbers that end a text. Static are
    writer, tokens and choose; the call is for jit as it is.
    """
    batch, length = ids.shape
    stop = jnp.asarray(stop, jnp.int32)
    logits, cache = writer.step(params, ids, mask, writer.empty(batch, length + tokens))
    written = Generated(jnp.zeros((batch, tokens), jnp.int32), jnp.zeros(batch, jnp.int32))

    def choose_next(n, logits, going, written):
        chosen = jnp.where(going, choose(logits, jax.random.fold_in(key, n)), 0)
        ids = jax.lax.dynamic_update_slice_in_dim(written.ids, chosen[:, None], n, 1)
        return chosen, going & ~jnp.isin(chosen, stop), Generated(ids, written.lengths + going)

    def unfinished(state):
        n, _, going, _, _ = state
        return (n < tokens) & jnp.any(going)

    def one_more(state):
        n, chosen, going, written, cache = state
        logits, cache = writer.step(params, chosen[:, None], going[:, None], cache)
        return n + 1, *choose_next(n, logits, going, written), cache

    first = choose_next(0, logits, jnp.ones(batch, bool), written)
    return jax.lax.while_loop(unfinished, one_more, (1, *first, cache))[3]
