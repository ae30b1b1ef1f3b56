"""A decoder that was taught to chat, and its tokenizer, by the name that a user gives."""

from kd_jax.errors import require
from kd_jax.pretrained import chat, decoder, folder, gguf, text


def load(name=""):
    """(Llama, params, tokenizer) of a GGUF file, a model folder or a hub name; "": packaged.

    Raises: InputError, one line, when there is none of that name, or it is no chat model.
    """
    if name and not name.endswith(".gguf"):
        where = folder.find(name)
        found = *decoder.load(where), text.tokenizer(where)
    else:
        path = name or gguf.packaged()
        found = *gguf.load(path), gguf.tokenizer(path)
    require(
        chat.stop_token(found[-1]) is not None,
        f"{name}: its tokenizer lacks {chat.END}: expected a chat model with ChatML's marks",
    )
    return found
