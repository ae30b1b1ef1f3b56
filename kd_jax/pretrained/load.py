"""A decoder that was taught to chat, and its tokenizer, by the name that a user gives."""

from kd_jax.errors import require
from kd_jax.pretrained import chat_template, gguf, llama, model_folder, tokenizer


def load(name=""):
    """(Llama, params, tokenizer) of a GGUF file, a model folder or a hub name; "": packaged.

    Raises: InputError, one line, when there is none of that name, or it is no chat model.
    """
    if name and not name.endswith(".gguf"):
        where = model_folder.find(name)
        found = *llama.load(where), tokenizer.tokenizer(where)
    else:
        path = name or gguf.packaged()
        found = *gguf.load(path), gguf.tokenizer(path)
    require(
        chat_template.stop_token(found[-1]) is not None,
        f"{name}: its tokenizer lacks {chat_template.END}: expected a ChatML chat model",
    )
    return found
