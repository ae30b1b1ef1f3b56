"""Chat models by name: a GGUF file, a model folder or a hub name."""

from typing import Any, NamedTuple

from kd_jax.errors import require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import chat_template, end_tokens, gguf, llama, model_folder
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
    if name and not name.endswith(".gguf"):
        where: Any = model_folder.find(name)
        (net, params), tokenizer = llama.load(where), tokenizers.load(where)
        ends = end_tokens.of_folder(where)
    else:
        where = name or gguf.packaged()
        (net, params), tokenizer = gguf.load(where), gguf.tokenizer(where)
        ends = gguf.end_tokens(where)
    tokenizers.require_fits(tokenizer, net.vocabulary, where)
    template: Any = tokenizer.token_to_id(chat_template.END)
    require(
        template is not None,
        f"{where}: its tokenizer lacks {chat_template.END}: expected a ChatML chat model",
    )
    return ChatModel(
        net, params, tokenizer, end_tokens.chosen(template, ends, net.vocabulary, where)
    )
