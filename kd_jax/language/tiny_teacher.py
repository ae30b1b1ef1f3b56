"""A tiny random Llama and its tokenizer, for tests that everything runs."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from kd_jax.errors import extra
from kd_jax.models import llama
from kd_jax.pretrained import chat_template

with extra("text"):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

NET = llama.Llama(
    vocabulary=400, width=32, layers=4, heads=4, num_kv_heads=2, head_dim=8, intermediate_size=48
)
INIT = jax.jit(llama.decoder(NET).init)


def teacher(key: jax.Array) -> tuple[llama.Llama, Any]:
    """(Llama, params), the layers' matrices ten times as large as drawn: confident predictions."""
    params = jax.tree.map(np.asarray, INIT(key)["params"])
    layers = jax.tree.map(lambda x: x if np.all(x == 1) else 10 * x, params["layers"])
    return NET, params | {"layers": layers}


def tokenizer(texts: Iterable[str]) -> Tokenizer:
    """A byte-level BPE of the texts with ChatML's tokens, of at most as many tokens as NET."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=NET.vocabulary,
        special_tokens=[chat_template.START, chat_template.END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    found.train_from_iterator(texts, trainer)
    return found
