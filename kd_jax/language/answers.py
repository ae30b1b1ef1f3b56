"""Answers that a decoder writes to prompts: batched generation, their NLL, and their entropy."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.data.padding import Tokens
from kd_jax.language import generation, teacher_outputs, tokens
from kd_jax.language.teacher_cache import DecoderTeacher
from kd_jax.models import llama


def writer(
    net: Any,
    stop: int | tuple[int, ...],
    max_length: int,
    choose: Callable = generation.greedy,
    key: jax.Array | None = None,
    decoder: Callable = llama.cached_decoder,
) -> Callable:
    """Answers to prompts in batches, compiled once for all decoders of one shape.

    Args:
        net: a Llama.
        stop: the token that ends an answer, or several.
        max_length: tokens of an answer at most, the stop token included.
        choose: of generation.generate.
        key: of what `choose` draws, if anything.
        decoder: of models.llama, or for many prompts of models.llama_unrolled.

    Returns:
        write(params, prompts Tokens [N, P], size) -> N lists of token ids; size: prompts at a time.
    """

    @jax.jit
    def each(params, prompts):
        return generation.generate(
            decoder(net), params, prompts.ids, prompts.mask, key, tokens=max_length, stop=stop,
            choose=choose,
        )  # fmt: skip

    def write(params, prompts, size):
        found = []
        for count, rows in tokens.in_batches(prompts, min(size, len(prompts.ids))):
            ids, lengths = (np.asarray(x)[:count] for x in each(params, rows))
            found += [row[:length].tolist() for row, length in zip(ids, lengths)]
        return found

    return write


def nll_of(teacher: DecoderTeacher) -> Callable:
    """The negative log-likelihood of answers under a teacher.

    Args:
        teacher: a DecoderTeacher.

    Returns:
        nll(texts, size) -> nats per token of the answers, the mean over all tokens of the Texts.
    """

    each = _summed_nll(teacher.net)

    def nll(texts, size):
        batches = tokens.in_batches(texts, min(size, len(texts.answers.ids)))
        sums, counts = zip(*(each(teacher.params, rows) for _, rows in batches))
        return float(sum(map(float, sums)) / sum(map(int, counts)))

    return nll


@functools.lru_cache(maxsize=8)  # a network compiles once
def _summed_nll(net):
    @jax.jit
    def each(params, texts):
        states = tokens.answer_states(net, params, texts)
        z = llama.logits(params, states, net.variant.logits_cap)
        ids, mask = texts.answers
        return jnp.sum(losses.cross_entropy(z, ids, where=mask)), jnp.sum(mask)

    return each


def sampler(net: Any, stop: int | tuple[int, ...]) -> Callable:
    """How sure of itself a decoder is, in what it samples at T = 1.

    Args:
        net: a Llama.
        stop: the token that ends an answer, or several.

    Returns:
        measure(params, texts, size, key) -> {"sample_tokens": of an answer in the mean,
        "sample_entropy": −Σ q log q of its tokens' distributions, in nats}; of texts the prompts
        are answered, in as many tokens at most as their answers have.
    """

    @jax.jit
    def each(params, texts, key):
        written = teacher_outputs.sampled_answers(net, params, texts, key, stop)
        states = tokens.answer_states(net, params, written)
        log_q = jax.nn.log_softmax(llama.logits(params, states, net.variant.logits_cap))
        entropy = jnp.sum(jax.scipy.special.entr(jnp.exp(log_q)), -1)
        mask = written.answers.mask
        return jnp.sum(jnp.where(mask, entropy, 0), 1), jnp.sum(mask, 1)

    def measure(params, texts, size, key):
        found = []
        size = min(size, len(texts.answers.ids))
        for number, (count, rows) in enumerate(tokens.in_batches(texts, size)):
            of_rows = each(params, rows, jax.random.fold_in(key, number))
            found.append([np.asarray(x, np.float64)[:count] for x in of_rows])
        entropy, lengths = (np.concatenate(x) for x in zip(*found))
        mean = entropy.sum() / max(lengths.sum(), 1)
        return {"sample_tokens": float(lengths.mean()), "sample_entropy": float(mean)}

    return measure


def as_tokens(answers: Sequence[Sequence[int]], max_length: int) -> Tokens:
    """The Tokens [N, max_length] of N lists of token ids, none of them longer."""
    mask = np.arange(max_length) < np.array([len(ids) for ids in answers])[:, None]
    found = np.zeros(mask.shape, np.int32)
    found[mask] = np.concatenate(answers)
    return Tokens(found, mask)
