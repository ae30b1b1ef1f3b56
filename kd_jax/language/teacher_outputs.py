"""Outputs of a teacher decoder: hidden states, top-k tokens, sampled answers, in batches."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from kd_jax.data.padding import Tokens
from kd_jax.language import generation, tokens
from kd_jax.language.tokens import Packed, Texts
from kd_jax.models import llama, llama_unrolled

_states = jax.jit(tokens.answer_states, static_argnums=0)  # once for all texts of one shape


@functools.partial(jax.jit, static_argnums=0)
def _top(k, params, states):
    return jax.lax.top_k(jax.nn.log_softmax(llama.logits(params, states)), k)


def read_out(params: dict, cap: float | None = None) -> dict:
    """What llama.logits reads a Llama's logits with.

    Args:
        params: of the Llama.
        cap: its variant's logits_cap, which is then among what is read.
    """
    name = "head" if "head" in params else "embedding"
    return {name: params[name]} | ({} if cap is None else {"logits_cap": np.float32(cap)})


def hidden(
    net: Any, params: Any, texts: Texts | Packed, size: int, first: int = 0
) -> Iterator[dict]:
    """Last hidden states, off which the logits of all answers' tokens are read.

    As good as the logits, D / V as large: llama.logits gives those back.

    Args:
        net: a Llama.
        params: its parameters.
        texts: N prompts and answers.
        size: texts of a batch.
        first: the text to begin with.

    Yields:
        {"hidden": [size, A, D]}, float32; the last batch may be shorter.
    """
    for count, rows in tokens.in_batches(texts, size, first):
        yield {"hidden": np.asarray(_states(net, params, rows), np.float32)[:count]}


def top_tokens(
    params: Any,
    hidden: Float[Any, "N A D"],
    k: int,
    size: int,
    first: int = 0,
    cap: float | None = None,
) -> Iterator[dict]:
    """The k most probable tokens at every position, and their log-probabilities.

    Args:
        params: of a Llama.
        hidden: of `hidden`.
        k: how many.
        size: texts of a batch.
        first: the text to begin with.
        cap: the variant's logits_cap.

    Yields:
        {"log_p", "tokens"} [size, A, k]; the last batch may be shorter.
    """
    top = read_out(params, cap)
    for count, states in tokens.in_batches(hidden, size, first):
        log_p, numbers = _top(k, top, states)
        yield {"log_p": np.asarray(log_p)[:count], "tokens": np.asarray(numbers)[:count]}


def sampled_answers(
    net: Any,
    params: Any,
    texts: Texts,
    key: Any,
    stop: int | tuple[int, ...],
    temperature: float = 1.0,
) -> Texts:
    """The Texts with answers that a decoder samples itself, as long at most as those given.

    There is no gradient through what was sampled.

    Args:
        net: a Llama.
        params: its parameters.
        texts: their prompts are answered.
        key: of the samples.
        stop: the token that ends an answer, or several.
        temperature: of the samples.
    """
    length = texts.answers.ids.shape[1]
    found = generation.generate(
        llama_unrolled.cached_decoder(net), jax.lax.stop_gradient(params),
        texts.prompts.ids, texts.prompts.mask,
        key, tokens=length, stop=stop, choose=generation.sampled(temperature),
    )  # fmt: skip
    return Texts(texts.prompts, Tokens(found.ids, jnp.arange(length) < found.lengths[:, None]))


@functools.lru_cache(maxsize=8)
def _program(net, stop, temperature):
    """The compiled `sampled_answers`; cached, so that samples of one decoder compile once."""
    return jax.jit(functools.partial(sampled_answers, net, stop=stop, temperature=temperature))


def answers(
    net: Any,
    params: Any,
    texts: Texts,
    key: Any,
    stop: int | tuple[int, ...],
    size: int,
    first: int = 0,
    temperature: float = 1.0,
) -> Iterator[dict]:
    """One sampled answer to every prompt; see `sampled_answers`.

    Args:
        net: a Llama.
        params: its parameters.
        texts: their prompts are answered.
        key: of the samples.
        stop: the token that ends an answer, or several.
        size: texts of a batch.
        first: the text to begin with.
        temperature: of the samples.

    Yields:
        {"ids", "mask"} [size, A]; the last batch may be shorter.
    """
    write = _program(net, stop, temperature)
    for number, (count, rows) in enumerate(tokens.in_batches(texts, size, first), first // size):
        found = write(params, rows, jax.random.fold_in(key, number)).answers
        yield {"ids": np.asarray(found.ids)[:count], "mask": np.asarray(found.mask)[:count]}
