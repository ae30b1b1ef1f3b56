"""A decoder that answers: a folder, a GGUF file or a hub name, and what it says.

kd.Decoder("FOLDER").answer("…")
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from kd_jax import paths
from kd_jax.arguments import whole
from kd_jax.data import padding
from kd_jax.errors import counted, require
from kd_jax.language import answers, generation
from kd_jax.pretrained import load
from kd_jax.pretrained.chat_template import Messages
from kd_jax.pretrained.load import ChatModel

TIMED, PROMPTS = 32, 4  # tokens and texts by which generation is timed


class Decoder:
    """A decoder with its tokenizer and chat template.

    Attributes:
        model: The ChatModel: its network, parameters, tokenizer and template.
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

    def __repr__(self) -> str:
        net = self.model.net
        layers = counted(net.layers, "layer")
        return f"Decoder({layers} of {net.width}, {net.vocabulary:,} tokens)"

    def asked(self, question: str | Messages, max_tokens: int = 256) -> list[int]:
        """The tokens that an answer to a question follows.

        Args:
            question: As for `answer`, like the next.
            max_tokens: Of the answer.

        Raises:
            InputError: The model has no chat template, or the question leaves no room.
        """
        whole("max_tokens", max_tokens)
        said = [{"role": "user", "content": question}] if isinstance(question, str) else question
        messages = isinstance(said, Sequence) and all(isinstance(x, Mapping) for x in said)
        require(
            messages and said, f"the question is {question!r:.60}: expected a text, or messages "
            "with role and content",
        )  # fmt: skip
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
        max_tokens: int = 256,
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
        choose = generation.sampled(temperature, top_p) if temperature else generation.greedy
        stop = self.model.stop
        write = answers.writer(self.model.net, stop, max_tokens, choose, key)
        (found,) = write(self.model.params, padding.padded([ids], left=True), 1)
        found = found[:-1] if found and found[-1] in stop else found
        return self.model.tokenizer.decode(found, skip_special_tokens=True)


def speed(net: Any, params: Any, prompts: Sequence[Sequence[int]]) -> float:
    """Tokens a second of greedy generation with a cache, four texts at a time.

    Args:
        net: A Llama.
        params: Of it, on the device.
        prompts: Token ids, of which the first few are taken.
    """
    some = padding.padded([prompts[n % len(prompts)] for n in range(PROMPTS)], left=True)
    write = answers.writer(net, (), TIMED)
    write(params, some, PROMPTS)  # compiles
    began = time.perf_counter()
    found = write(params, some, PROMPTS)
    return float(np.sum([len(ids) for ids in found]) / (time.perf_counter() - began))
