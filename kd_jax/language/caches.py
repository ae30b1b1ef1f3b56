"""What a teacher says, computed once: hidden states, likeliest tokens, texts of its own."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import generate
from kd_jax.language import tokens
from kd_jax.language.tokens import Texts
from kd_jax.models import llama
from kd_jax.pretrained.text import Tokens


def read_out(params):
    """The part of a Llama's parameters that llama.logits reads."""
    name = "head" if "head" in params else "embedding"
    return {name: params[name]}


def hidden(net, params, texts, size):
    """The states [N, A, D], float32, off which the teacher's logits of the answers are read.

    As good as the logits, D / V as large: llama.logits gives those back. size: texts at a time.
    """
    states = jax.jit(functools.partial(tokens.before_answers, net))
    found = [
        np.asarray(states(params, rows), np.float32)[:count]
        for count, rows in tokens.in_batches(texts, size)
    ]
    return np.concatenate(found)


def likeliest(params, hidden, k, size):
    """{"log_p", "tokens"} [N, A, k]: the k likeliest tokens and their log-probabilities."""

    @jax.jit
    def each(params, states):
        return jax.lax.top_k(jax.nn.log_softmax(llama.logits(params, states)), k)

    top = read_out(params)
    found = [
        [np.asarray(x)[:count] for x in each(top, states)]
        for count, states in tokens.in_batches(hidden, size)
    ]
    return dict(zip(("log_p", "tokens"), map(np.concatenate, zip(*found))))


def own_answers(net, params, texts, key, stop):
    """The Texts with answers that a decoder writes itself, sampled at T = 1, up to the same length.

    stop: the token that ends an answer. There is no gradient through what was drawn.
    """
    length = texts.answers.ids.shape[1]
    found = generate.generate(
        llama.writer(net), jax.lax.stop_gradient(params), *texts.prompts, key,
        tokens=length, stop=(stop,), choose=generate.sampled(1.0),
    )  # fmt: skip
    return Texts(texts.prompts, Tokens(found.ids, jnp.arange(length) < found.lengths[:, None]))


def written(net, params, texts, key, stop, size):
    """{"ids", "mask"} [N, A]: one answer of the teacher's own to every prompt."""
    write = jax.jit(functools.partial(own_answers, net, stop=stop))
    found = []
    for number, (count, rows) in enumerate(tokens.in_batches(texts, size)):
        answers = write(params, rows, jax.random.fold_in(key, number)).answers
        found.append([np.asarray(x)[:count] for x in answers])
    return dict(zip(("ids", "mask"), map(np.concatenate, zip(*found))))
