"""A tiny random Llama and its tokenizer, for tests that everything runs."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from kd_jax.errors import extra
from kd_jax.language.decoder import own_tokens
from kd_jax.models import llama
from kd_jax.pretrained import chat_template
from kd_jax.pretrained.chat import chatml
from kd_jax.pretrained.load import ChatModel

with extra("text"):
    from tokenizers import Tokenizer

NET = llama.Llama(
    vocabulary=400, width=32, layers=4, heads=4, num_kv_heads=2, head_dim=8, intermediate_size=48
)


def teacher(key: jax.Array) -> tuple[llama.Llama, Any]:
    """(Llama, params); its layers' matrices are large, so that its predictions are confident.

    NumPy draws them: JAX would compile for longer than such a teacher is of use.
    """
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    like = jax.eval_shape(llama.decoder(NET).init, key)["params"]

    def draw(path, x):
        if path[-1].key == "scale":  # of a norm
            return np.ones(x.shape, x.dtype)
        deviation = 0.2 if path[0].key == "layers" else NET.width**-0.5
        return random.normal(scale=deviation, size=x.shape).astype(x.dtype)

    return NET, jax.tree_util.tree_map_with_path(draw, like)


def chat_model(key: jax.Array, texts: Iterable[str]) -> ChatModel:
    """The ChatModel of `teacher` and `tokenizer`."""
    words = tokenizer(texts)
    chat: Any = chatml(words)
    return ChatModel(*teacher(key), words, (chat.stop(),), chat.template)


def tokenizer(texts: Iterable[str]) -> Tokenizer:
    """A byte-level BPE of the texts with ChatML's tokens, of at most as many tokens as NET."""
    return own_tokens.bpe(texts, NET.vocabulary, [chat_template.START, chat_template.END])
