"""Chat models by name: a GGUF file, a model folder or a hub name."""

from typing import Any, NamedTuple

from kd_jax.errors import require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import (
    chat_files,
    chat_template,
    gguf,
    gguf_tokenizer,
    llama,
    model_folder,
)
from kd_jax.pretrained import tokenizer as tokenizers


class ChatModel(NamedTuple):
    """net: a Llama; its params and tokenizer; stop: the tokens that end an answer."""

    net: Llama
    params: Any
    tokenizer: Any
    stop: tuple[int, ...]


def load(name: str = "") -> ChatModel:
    """The ChatModel of a name.

    Args:
        name: a GGUF file, a model folder or a hub name; "": the model that a package carries.

    Raises:
        InputError: there is none of that name, it is no chat model, or its tokenizer is of another.
    """
    require(isinstance(name, str), f"{name!r:.80} is no name: expected that of a model, as a text")
    if name and not name.endswith(".gguf"):
        where: Any = model_folder.find(name)
        (net, params), tokenizer = llama.load(where), tokenizers.load(where)
        template, ends = chat_files.template(where), chat_files.end_tokens(where)
    else:
        where = name or gguf.packaged()
        (net, params), tokenizer = gguf.load(where), gguf.tokenizer(where)
        template, ends = gguf_tokenizer.chat(where)
    tokenizers.require_fits(tokenizer, net.vocabulary, where)
    chat_template.require_chatml(tokenizer, template, where)
    first = chat_template.stop_token(tokenizer)
    stop = chat_files.stops(first, ends, net.vocabulary, where)
    return ChatModel(net, params, tokenizer, stop)
