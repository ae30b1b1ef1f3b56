"""Speculative sampling: a student drafts tokens, its teacher accepts some and corrects one.

What is written has the teacher's distribution, whatever the student's is; how many drafts are
accepted says how near the two are, at prefixes that the teacher itself writes.

Source: Leviathan, Kalman and Matias 2023, arXiv 2211.17192, algorithm 1; Chen et al. 2023,
arXiv 2302.01318, algorithm 2. p is the teacher there too (M_p), q the student (M_q).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kd_jax.models import llama
from kd_jax.models.attention import KVCache

DRAFTS = 4  # tokens that a student writes before its teacher reads them


class Verified(NamedTuple):
    """What a teacher makes of drafts.

    Attributes:
        accepted: How many, from the first on.
        token: The one after those: of the residual where a draft was refused, else of the teacher.
    """

    accepted: Int[Array, ""]
    token: Int[Array, ""]


def chances(
    log_p: Float[Array, "N V"], log_q: Float[Array, "N V"], drafts: Int[Array, " N"]
) -> Float[Array, " N"]:
    """Probabilities that drafts are accepted, min(1, p/q) of each.

    Args:
        log_p: Of the teacher before each draft.
        log_q: Of the student.
        drafts: Tokens.
    """
    of_drafts = (jnp.take_along_axis(x, drafts[:, None], -1)[:, 0] for x in (log_p, log_q))
    ours, theirs = of_drafts
    return jnp.exp(jnp.minimum(ours - theirs, 0))


def residual(log_p: Float[Array, "*B V"], log_q: Float[Array, "*B V"]) -> Float[Array, "*B V"]:
    """The distribution in place of a refused draft, max(0, p − q) / Σ max(0, p − q).

    Args:
        log_p: Of the teacher.
        log_q: Of the student; where both are alike nothing is refused, and the teacher's is given.
    """
    p = jnp.exp(log_p)
    more = jnp.maximum(p - jnp.exp(log_q), 0)
    total = jnp.sum(more, -1, keepdims=True)
    return jnp.where(total > 0, more / jnp.where(total > 0, total, 1), p)


def verified(
    key: Any, log_p: Float[Array, "N1 V"], log_q: Float[Array, "N V"], drafts: Int[Array, " N"]
) -> Verified:
    """Accept drafts from the first on, until one is refused, and draw the token after them.

    Args:
        key: Of what is drawn.
        log_p: Of the teacher before each of N drafts, and after the last.
        log_q: Of the student before each.
        drafts: N tokens, each drawn of q.
    """
    deciding, drawing = jax.random.split(key)
    kept = jax.random.uniform(deciding, drafts.shape) < chances(log_p[:-1], log_q, drafts)
    accepted = jnp.sum(jnp.cumprod(kept.astype(jnp.int32)))
    instead = jnp.concatenate([residual(log_p[:-1], log_q), jnp.exp(log_p[-1:])])
    token = jax.random.categorical(drawing, jnp.log(instead[accepted]))
    return Verified(accepted, token.astype(jnp.int32))


class Side(NamedTuple):
    """A decoder that takes part.

    Attributes:
        net: A Llama.
        params: Of it.
    """

    net: Any
    params: Any

    def empty(self, batch: int, slots: int) -> KVCache:
        """See CachedDecoder."""
        return llama.cached_decoder(self.net).empty(batch, slots)

    def read(
        self, ids: Int[Array, "B T"], mask: Bool[Array, "B T"], cache: KVCache
    ) -> tuple[Float[Array, "B T V"], KVCache]:
        """log p after each of some tokens, and the cache with them.

        Args:
            ids: Tokens.
            mask: True for a token.
            cache: Of those before.
        """
        hidden, more = self.net.apply({"params": self.params}, ids, mask, cache)
        z = llama.logits(self.params, hidden[-1], self.net.variant.logits_cap)
        return jax.nn.log_softmax(z), more


class Written(NamedTuple):
    """What came of speculative sampling.

    Attributes:
        ids: Of each text, 0 beyond its length.
        lengths: Tokens of each, at most those asked for; with the one that ends it, if any.
        tested: Drafts that were accepted or refused: not those behind a refused one.
        accepted: Of these.
        calls: How often the teacher read, of each text.
    """

    ids: Int[Array, "B N"]
    lengths: Int[Array, " B"]
    tested: Int[Array, " B"]
    accepted: Int[Array, " B"]
    calls: Int[Array, " B"]


class _Going(NamedTuple):
    """Between two calls of the teacher; last: the tokens that neither side has read yet."""

    last: Int[Array, " B"]
    written: Written
    going: Bool[Array, " B"]
    caches: tuple[KVCache, ...]
    number: Int[Array, ""] | int


def sample(
    teacher: Side,
    student: Side,
    ids: Int[Any, "B T"],
    mask: Bool[Any, "B T"],
    key: Any,
    *,
    tokens: int,
    stop: int | tuple[int, ...] = (),
    drafts: int = DRAFTS,
) -> Written:
    """Continue prompts by the teacher's distribution, with the student's drafts.

    The call is for jit as it is; both networks, tokens, stop and drafts are static.

    Args:
        teacher: That accepts.
        student: That drafts, of the same tokens.
        ids: Prompts, padded on the left, of two tokens or more.
        mask: True for a token, False for padding.
        key: Of all that is drawn.
        tokens: N, the most that are written; a text that ends is left alone.
        stop: Tokens that end a text.
        drafts: γ, tokens between two calls of the teacher.
    """
    batch, length = ids.shape
    slots = length + tokens * (drafts + 1)  # at least one token a call; refused ones stay, hidden
    caches = tuple(
        side.read(ids[:, :-1], mask[:, :-1], side.empty(batch, slots))[1]
        for side in (teacher, student)
    )
    none = jnp.zeros(batch, jnp.int32)
    written = Written(jnp.zeros((batch, tokens), jnp.int32), none, none, none, none)
    state = _Going(jnp.asarray(ids)[:, -1], written, jnp.ones(batch, bool), caches, 0)

    def call(state):
        return _call(teacher, student, state, jax.random.fold_in(key, state.number), stop, drafts)

    return jax.lax.while_loop(lambda state: jnp.any(state.going), call, state).written


def _call(teacher, student, state, key, stop, drafts):
    """One call of the teacher: drafts, what of them is accepted, and what is written then."""
    drafting, verifying = jax.random.split(key)
    of_teacher, of_student = state.caches
    batch, used = len(state.last), of_teacher.used
    here = jnp.ones((batch, 1), bool)

    def draft(carry, number):
        token, cache = carry
        log_q, cache = student.read(token[:, None], here, cache)
        drawn = jax.random.categorical(jax.random.fold_in(drafting, number), log_q[:, 0])
        return (drawn.astype(jnp.int32), cache), (drawn.astype(jnp.int32), log_q[:, 0])

    carry, found = jax.lax.scan(draft, (state.last, of_student), jnp.arange(drafts))
    new, log_q = (jnp.swapaxes(x, 0, 1) for x in found)
    _, of_student = student.read(carry[0][:, None], here, carry[1])
    read = jnp.concatenate([state.last[:, None], new], axis=1)
    log_p, of_teacher = teacher.read(read, jnp.ones(read.shape, bool), of_teacher)
    each = jax.vmap(verified)(jax.random.split(verifying, batch), log_p, log_q, new)
    kept = jnp.arange(drafts + 1) <= each.accepted[:, None]
    caches = tuple(
        cache._replace(mask=jax.lax.dynamic_update_slice_in_dim(cache.mask, kept, used, 1))
        for cache in (of_teacher, of_student)
    )
    written, going = _written(state, each, new, stop)
    return _Going(each.token, written, going, caches, state.number + 1)


def _written(state, each, new, stop):
    """What is Written with the accepted drafts and the token after them, and which texts go on."""
    written, going = state.written, state.going
    batch, drafts = new.shape
    places = jnp.arange(drafts + 1)
    more = jnp.concatenate([new, each.token[:, None]], axis=1)
    more = jnp.where(places == each.accepted[:, None], each.token[:, None], more)
    ends = jnp.isin(more, jnp.atleast_1d(jnp.array(stop, jnp.int32)))
    before = jnp.cumsum(ends, axis=1) - ends == 0  # with the first token that ends the text
    at, room = written.lengths[:, None] + places, written.ids.shape[1]
    taken = (places <= each.accepted[:, None]) & before & (at < room) & going[:, None]
    ids = written.ids.at[jnp.arange(batch)[:, None], jnp.where(taken, at, room)].set(
        more, mode="drop"
    )
    lengths = written.lengths + jnp.sum(taken, axis=1)
    going_on = going & ~jnp.any(taken & ends, axis=1) & (lengths < room)
    decided = taken[:, :drafts] & (places[:drafts] < each.accepted[:, None])
    accepted = jnp.sum(decided, axis=1)
    refused = (each.accepted < drafts) & jnp.take_along_axis(
        taken, jnp.minimum(each.accepted, drafts)[:, None], 1
    )[:, 0]
    return Written(
        ids, lengths, written.tested + accepted + refused, written.accepted + accepted,
        written.calls + going,
    ), going_on  # fmt: skip
