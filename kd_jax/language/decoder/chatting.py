"""A decoder that answers: a folder, a GGUF file or a hub name, and what it says.

kd.Decoder("FOLDER").answer("…")
"""

import functools
import os
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from kd_jax import paths
from kd_jax.arguments import whole
from kd_jax.data import padding
from kd_jax.errors import counted, require
from kd_jax.export import folders
from kd_jax.language import answers, generation
from kd_jax.language.decoder import conversations
from kd_jax.metrics import cost
from kd_jax.models import llama
from kd_jax.pretrained import decoder_folder, load
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.chat_template import Messages
from kd_jax.pretrained.load import ChatModel
from kd_jax.runtime import compilation
from kd_jax.training.state import stateless

CLASS = 32  # tokens to which questions are padded: few programs are compiled
PROMPTS, TURNS = 4, 5  # texts by which generation is timed, and how often


class Decoder:
    """A decoder with its tokenizer and chat template.

    Attributes:
        model: The ChatModel: network, params and tokenizer, as below, with a chat template.
    """

    def __init__(self, source: str | os.PathLike | ChatModel = ""):
        """Read a model.

        Args:
            source: A folder, a GGUF file or a hub name; "": SmolLM2-135M, which a package carries;
                or a ChatModel.

        Raises:
            InputError: There is none, or it is of an unknown family, incomplete or damaged.
        """
        self.model = source if isinstance(source, ChatModel) else load.load(paths.text(source))

    @property
    def network(self) -> Any:
        """The network, a Llama."""
        return self.model.net

    @property
    def params(self) -> Any:
        """Its parameters."""
        return self.model.params

    @property
    def tokenizer(self) -> Any:
        """Of the library tokenizers."""
        return self.model.tokenizer

    def __repr__(self) -> str:
        net = self.network
        layers = counted(net.layers, "layer")
        return f"Decoder({layers} of {net.width}, {net.vocabulary:,} tokens)"

    def asked(self, question: str | Messages, max_tokens: int = 128) -> list[int]:
        """The tokens that an answer to a question follows.

        Args:
            question: As for `answer`, like the next.
            max_tokens: Of the answer.

        Raises:
            InputError: The model has no chat template, or the question leaves no room.
        """
        whole("max_tokens", max_tokens)
        said: Any = [{"role": "user", "content": question}]
        if not isinstance(question, str):
            said = conversations.asked(question)
        ids, room = self.model.chat().prompt(said), self.model.net.max_position_embeddings
        require(
            len(ids) + max_tokens <= room, f"the question has {counted(len(ids), 'token')}: "
            f"expected at most {room - max_tokens:,}, so that with {max_tokens:,} of an answer "
            f"it stays within the model's {room:,}",
        )  # fmt: skip
        return ids

    def answer(
        self,
        question: str | Messages,
        max_tokens: int = 128,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """What the decoder writes after a question, or after messages.

        Args:
            question: A text, which a user says; or messages with role and content.
            max_tokens: Of the answer, at most.
            temperature: 0: the most probable tokens; else they are sampled at it.
            top_p: Of sampling: the most probable tokens with this probability are drawn from.
            seed: Of sampling.

        Returns:
            The answer, without the token that ends it.

        Raises:
            InputError: The model has no chat template, or the question leaves no room.
        """
        ids = self.asked(question, max_tokens)
        key = jax.random.key(whole("seed", seed, 0, 2**32))
        stop, given = self.model.stop, padding.padded([ids], left=True, multiple=CLASS)
        how = max_tokens, temperature, top_p
        write = _writer(self.network, stop, *how, given.ids.shape)
        found = write(self.params, *given, key)
        written = np.asarray(found.ids)[0, : int(found.lengths[0])].tolist()
        written = written[:-1] if written and written[-1] in stop else written
        return self.tokenizer.decode(written, skip_special_tokens=True)

    def logits(self, text: str | Sequence[int]) -> Float[np.ndarray, "T V"]:
        """The logits of the token after each token of a text, float32.

        Args:
            text: A text, which the tokenizer reads with the special tokens that it puts around
                texts, and without a chat template; or the ids of T tokens.

        Raises:
            InputError: There is no token, more than the model has positions, or an unknown one.
        """
        ids, net = self._ids(text), self.network
        room, known = net.max_position_embeddings, net.vocabulary
        require(ids, "the text has no token: expected one or more")
        require(len(ids) <= room, f"the text has {len(ids):,} tokens: expected at most {room:,}")
        strange = [n for n in ids if not 0 <= n < known]
        require(
            not strange,
            f"token {next(iter(strange), 0)}: expected 0 to {known - 1:,}, the vocabulary",
        )
        ((_, batch),) = padding.by_tokens(padding.padded([ids]), 1)
        found = _reader(net, batch.ids.shape)(self.params, batch._asdict())
        return np.asarray(found[0, : len(ids)], np.float32)

    def save(self, folder: str | os.PathLike, dtype: str = "float32") -> None:
        """Write the decoder as a folder for transformers and kd.Decoder.

        Args:
            folder: A new one, or one that this has written and nobody has changed: it is replaced,
                whole or not at all. That of a run, --out, is refused.
            dtype: Of the weights, float32 or bfloat16.

        Raises:
            InputError: The folder holds other files, or cannot be written; or the one that this
                decoder was read from is gone, whose tokenizer's files are copied.
        """
        with folders.written_whole(paths.given(folder), "kd.Decoder.save") as new:
            decoder_folder.save(new, self.network, self.params, self.model, dtype)

    def _ids(self, text):
        if isinstance(text, str):
            self.tokenizer.no_truncation()
            return tokenizers.encodings(self.tokenizer, [text])[0].ids
        found = text.tolist() if hasattr(text, "tolist") else text
        require(
            isinstance(found, (list, tuple)) and all(isinstance(n, int) for n in found),
            f"{text!r:.60}: expected a text, or the ids of its tokens",
        )
        return list(found)


@functools.lru_cache(maxsize=64)
def _writer(net, stop, max_tokens, temperature, top_p, shape):
    """(params, ids, mask, key) -> Generated answers to prompts of one shape."""
    choose = generation.sampled(temperature, top_p) if temperature else generation.greedy

    def write(params, ids, mask, key):
        return generation.generate(
            llama.cached_decoder(net), params, ids, mask, key, tokens=max_tokens, stop=stop,
            choose=choose,
        )  # fmt: skip

    return compilation.kept_jit(write)


@functools.lru_cache(maxsize=64)
def _reader(net, shape):
    """(params, {"ids", "mask"}) -> logits of texts of one shape."""
    apply = llama.decoder(net).apply
    return compilation.kept_jit(lambda params, texts: apply(stateless(params), texts)[0][0])


def speeds(sides: Sequence[tuple[Any, Any, Sequence[Sequence[int]]]], tokens: int) -> list[float]:
    """Tokens a second of greedy generation with a cache, four texts at a time.

    All write equally many tokens, in turns, of which the median counts.

    Args:
        sides: Of each decoder its Llama, its parameters and its prompts: token ids, of which the
            first few are taken.
        tokens: That each writes after a prompt.
    """
    work = []
    for net, params, prompts in sides:
        some = padding.padded([prompts[n % len(prompts)] for n in range(PROMPTS)], left=True)
        write = answers.writer(net, (), tokens)
        work.append(functools.partial(write, jax.device_put(params), some, PROMPTS))
    return [tokens * PROMPTS / seconds for seconds in cost.in_turns(work, TURNS)]
