"""Chat models by name: a GGUF file, a model folder or a hub name."""

import pathlib
from typing import Any, NamedTuple

from kd_jax.errors import require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import (
    chat_files,
    decoder_settings,
    gguf,
    gguf_tokenizer,
    llama,
    model_folder,
)
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.chat import Chat, chatml
from kd_jax.pretrained.chat_template import ChatTemplate


class ChatModel(NamedTuple):
    """net: a Llama; its params and tokenizer; stop: the tokens that end an answer.

    template: of chats, None where its files have none; source: the folder or file, absolute.
    """

    net: Llama
    params: Any
    tokenizer: Any
    stop: tuple[int, ...]
    template: ChatTemplate | None = None
    source: Any = ""

    def chat(self) -> Chat:
        """Its tokenizer and template, or ChatML where it has that one's tokens alone.

        Raises:
            InputError: it has neither.
        """
        if self.template:
            return Chat(self.tokenizer, self.template)
        found = chatml(self.tokenizer)
        require(
            found, f"{self.source} has no chat template (in tokenizer_config.json or "
            "chat_template.jinja): expected a chat model; or say one with --chat_template=FILE",
        )  # fmt: skip
        return found  # type: ignore[return-value]


def network(name: str = "") -> Llama:
    """The network of a name as its settings say, whose parameters are not read.

    Args:
        name: as for `load`.

    Raises:
        InputError: as for `load`.
    """
    _require_name(name)
    if name and not name.endswith(".gguf"):
        return decoder_settings.network(model_folder.find(name))
    return gguf.network(name or gguf.packaged())


def load(name: str = "") -> ChatModel:
    """The ChatModel of a name.

    Args:
        name: a GGUF file, a model folder or a hub name; "": the model that a package carries.

    Raises:
        InputError: there is none of that name, or its tokenizer or its template is of another.
    """
    _require_name(name)
    if name and not name.endswith(".gguf"):
        where: Any = model_folder.find(name)
        net, params, read = llama.begun(where)
        tokenizer = tokenizers.load(where)  # while the weights are read
        read()
        template, ends = chat_files.template(where), chat_files.end_tokens(where)
    else:
        where = pathlib.Path(name).absolute() if name else gguf.packaged()
        (net, params), tokenizer = gguf.load(where), gguf.tokenizer(where)
        template, ends = gguf_tokenizer.chat(where)
        tokenizers.require_fits(tokenizer, net.vocabulary, where)
    found = ChatModel(net, params, tokenizer, (), template, where)
    chat = found.chat() if template or chatml(tokenizer) else None
    first = chat.stop() if chat else None
    return found._replace(stop=chat_files.stops(first, ends, net.vocabulary, where))


def _require_name(name):
    require(isinstance(name, str), f"{name!r:.80} is no name: expected that of a model, as a text")
