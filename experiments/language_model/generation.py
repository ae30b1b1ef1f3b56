"""What teacher and student answer to a question, and generation speed with and without a cache."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.data import padding
from kd_jax.errors import require
from kd_jax.language import answers, generation
from kd_jax.language.tokens import in_batches
from kd_jax.models import llama


def prompt_of(chat, question, net, max_length):
    """The Tokens [1, T] of a question in the chat template, that leaves room for an answer.

    Raises: InputError when prompt and `max_length` tokens of an answer exceed the decoder's
      positions.
    """
    ids = chat.prompt([{"role": "user", "content": question}])
    prompt = padding.padded([ids], left=True)
    length = int(prompt.mask.sum())
    require(
        length + max_length <= net.max_position_embeddings,
        f"--prompt has {length} tokens: "
        f"expected {net.max_position_embeddings - max_length} at most, so that "
        f"with --answer_tokens={max_length} it stays "
        f"within the model's {net.max_position_embeddings}; "
        "shorten it",
    )
    return prompt


def answer(net, params, tokenizer, prompt, stop, max_length, choose, key):
    """The text that a decoder writes after one prompt, Tokens [1, T], without the stop token."""
    (ids,) = answers.writer(net, stop, max_length, choose, key)(params, prompt, 1)
    if ids and ids[-1] in np.atleast_1d(stop):  # not every model marks it as special
        ids = ids[:-1]
    return tokenizer.decode(ids, skip_special_tokens=True)


def without_cache(net):
    """A CachedDecoder that caches no more than the tokens and reads all for the next one."""

    def empty(batch, room):
        return jnp.zeros((batch, room), jnp.int32), jnp.zeros((batch, room), bool), jnp.int32(0)

    def step(params, ids, mask, cache):
        tokens, present, used = cache
        tokens = jax.lax.dynamic_update_slice_in_dim(tokens, ids.astype(jnp.int32), used, 1)
        present = jax.lax.dynamic_update_slice_in_dim(present, mask, used, 1)
        hidden, _ = net.apply({"params": params}, tokens, present)
        used = used + ids.shape[1]
        last = jax.lax.dynamic_index_in_dim(hidden[-1], used - 1, 1, keepdims=False)
        return llama.logits(params, last, net.variant.logits_cap), (tokens, present, used)

    return llama.CachedDecoder(empty, step)


def speeds(net, params, prompts, tokens, size):
    """{"cached", "read again"}: tokens per second after `size` prompts, compiled before.

    Each of the texts gets `tokens` tokens, the most probable ones.
    """
    _, prompts = next(in_batches(prompts, size))
    found = {}
    for name, writer in {
        "cached": llama.cached_decoder(net),
        "read again": without_cache(net),
    }.items():

        def write(params, prompts, writer=writer):
            return generation.generate(writer, params, prompts.ids, prompts.mask, tokens=tokens)

        program = jax.jit(write).lower(params, prompts).compile()
        began = time.perf_counter()
        jax.block_until_ready(program(params, prompts))
        found[name] = size * tokens / (time.perf_counter() - began)
    return found
