"""What a teacher says, computed once: hidden states, likeliest tokens, texts of its own."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.data.padding import Tokens
from kd_jax.language import generation, tokens
from kd_jax.language.tokens import Texts
from kd_jax.models import llama


def read_out(params):
    """The part of a Llama's parameters that llama.logits reads."""
    name = "head" if "head" in params else "embedding"
    return {name: params[name]}


def hidden(net, params, texts, size, first=0):
    """Yield {"hidden": [size, A, D]}, float32, off which the teacher's logits of answers are read.

    As good as the logits, D / V as large: llama.logits gives those back. size: texts at a time,
    from text `first` on; the last block may be shorter.
    """
    states = jax.jit(functools.partial(tokens.before_answers, net))
    for count, rows in tokens.in_batches(texts, size, first):
        yield {"hidden": np.asarray(states(params, rows), np.float32)[:count]}


def likeliest(params, hidden, k, size, first=0):
    """Yield {"log_p", "tokens"} [size, A, k]: the k likeliest tokens, their log-probabilities."""

    @jax.jit
    def each(params, states):
        return jax.lax.top_k(jax.nn.log_softmax(llama.logits(params, states)), k)

    top = read_out(params)
    for count, states in tokens.in_batches(hidden, size, first):
        log_p, numbers = each(top, states)
        yield {"log_p": np.asarray(log_p)[:count], "tokens": np.asarray(numbers)[:count]}


def own_answers(net, params, texts, key, stop, temperature=1.0):
    """The Texts with answers that a decoder writes itself, sampled, up to the same length.

    stop: the token that ends an answer. There is no gradient through what was drawn.
    """
    length = texts.answers.ids.shape[1]
    found = generation.generate(
        llama.writer(net), jax.lax.stop_gradient(params), texts.prompts.ids, texts.prompts.mask,
        key, tokens=length, stop=(stop,), choose=generation.sampled(temperature),
    )  # fmt: skip
    return Texts(texts.prompts, Tokens(found.ids, jnp.arange(length) < found.lengths[:, None]))


@functools.lru_cache(maxsize=8)
def _program(net, stop, temperature):
    """The compiled `own_answers`; kept, so that several samples of one decoder compile once."""
    return jax.jit(functools.partial(own_answers, net, stop=stop, temperature=temperature))


def written(net, params, texts, key, stop, size, first=0, temperature=1.0):
    """Yield {"ids", "mask"} [size, A]: one answer of the teacher's own to every prompt."""
    write = _program(net, stop, temperature)
    for number, (count, rows) in enumerate(tokens.in_batches(texts, size, first), first // size):
        answers = write(params, rows, jax.random.fold_in(key, number)).answers
        yield {"ids": np.asarray(answers.ids)[:count], "mask": np.asarray(answers.mask)[:count]}
