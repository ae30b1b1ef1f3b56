"""Chat models by name: a GGUF file, a model folder or a hub name."""

from typing import Any

from kd_jax.errors import require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import chat_template, gguf, llama, model_folder
from kd_jax.pretrained import tokenizer as tokenizers


def load(name: str = "") -> tuple[Llama, Any, Any]:
    """(Llama, params, tokenizer) of a chat model.

    Args:
        name: a GGUF file, a model folder or a hub name; "": the model that a package carries.

    Raises:
        InputError: there is none of that name, or it is no chat model.
    """
    found: tuple
    if name and not name.endswith(".gguf"):
        where = model_folder.find(name)
        found = *llama.load(where), tokenizers.load(where)
    else:
        path = name or gguf.packaged()
        found = *gguf.load(path), gguf.tokenizer(path)
    require(
        found[-1].token_to_id(chat_template.END) is not None,
        f"{name}: its tokenizer lacks {chat_template.END}: expected a ChatML chat model",
    )
    net, params, tokenizer = found
    return net, params, tokenizer
