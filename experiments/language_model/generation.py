"""What decoders write to a question, and how fast, with a cache and by reading all again."""

import functools
import time

import jax
import jax.numpy as jnp

from kd_jax.errors import require
from kd_jax.language import generation
from kd_jax.language.tokens import in_batches
from kd_jax.models import llama
from kd_jax.pretrained import chat_template


def asked(words, question, net, longest):
    """The Tokens [1, T] of a question in the chat's template, that leaves room for an answer.

    Raises: InputError when prompt and `longest` tokens of an answer exceed the decoder's positions.
    """
    prompt = chat_template.prompts(words, [question], system="")
    length = int(prompt.mask.sum())
    require(
        length + longest <= net.positions,
        f"--prompt has {length} tokens: expected {net.positions - longest} at most, so that with "
        f"--answer_tokens={longest} it stays within the model's {net.positions}; shorten it",
    )
    return prompt


def answer(net, params, words, prompt, stop, longest, choose, seed=0):
    """The text that a decoder writes after one prompt, Tokens [1, T], without the stop token."""
    more = {"tokens": longest, "stop": (stop,), "choose": choose}
    write = jax.jit(functools.partial(generation.generate, llama.writer(net), **more))
    found = write(params, prompt.ids, prompt.mask, jax.random.key(seed))
    return words.decode(found.ids[0, : int(found.lengths[0])].tolist(), skip_special_tokens=True)


def without_cache(net):
    """The Writer of a Llama that keeps no more than the tokens and reads all for every next one."""

    def empty(batch, room):
        return jnp.zeros((batch, room), jnp.int32), jnp.zeros((batch, room), bool), jnp.int32(0)

    def step(params, ids, mask, kept):
        tokens, seen, used = kept
        tokens = jax.lax.dynamic_update_slice_in_dim(tokens, ids.astype(jnp.int32), used, 1)
        seen = jax.lax.dynamic_update_slice_in_dim(seen, mask, used, 1)
        hidden, _ = net.apply({"params": params}, tokens, seen)
        used = used + ids.shape[1]
        last = jax.lax.dynamic_index_in_dim(hidden[-1], used - 1, 1, keepdims=False)
        return llama.logits(params, last), (tokens, seen, used)

    return llama.Writer(empty, step)


def speeds(net, params, prompts, tokens, size):
    """{"cached", "read again"}: tokens per second after `size` prompts, compiled before.

    Each of the texts gets `tokens` tokens, the likeliest ones.
    """
    _, prompts = next(in_batches(prompts, size))
    found = {}
    for name, writer in {"cached": llama.writer(net), "read again": without_cache(net)}.items():

        def write(params, prompts, writer=writer):
            key = jax.random.key(0)
            return generation.generate(
                writer, params, prompts.ids, prompts.mask, key, tokens=tokens
            )

        program = jax.jit(write).lower(params, prompts).compile()
        began = time.perf_counter()
        jax.block_until_ready(program(params, prompts))
        found[name] = size * tokens / (time.perf_counter() - began)
    return found
