"""A decoder that answers: a folder, a GGUF file or a hub name, and what it says.

kd.Decoder("FOLDER").answer("…")
"""

import functools
import os
from collections.abc import Sequence
from typing import Any

import jax

from kd_jax.data import padding
from kd_jax.errors import counted, require
from kd_jax.language import answers, generation
from kd_jax.metrics import cost
from kd_jax.pretrained import load
from kd_jax.pretrained.chat_template import Messages
from kd_jax.pretrained.load import ChatModel

TIMED, PROMPTS, TURNS = 32, 4, 5  # tokens and texts by which generation is timed, and how often


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
        self.model = source if isinstance(source, ChatModel) else load.load(os.fspath(source))

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
        said = [{"role": "user", "content": question}] if isinstance(question, str) else question
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
        choose = generation.sampled(temperature, top_p) if temperature else generation.greedy
        stop = self.model.stop
        write = answers.writer(self.model.net, stop, max_tokens, choose, jax.random.key(seed))
        (found,) = write(self.model.params, padding.padded([ids], left=True), 1)
        found = found[:-1] if found and found[-1] in stop else found
        return self.model.tokenizer.decode(found, skip_special_tokens=True)


def speeds(sides: Sequence[tuple[Any, Any, Sequence[Sequence[int]]]]) -> list[float]:
    """Tokens a second of greedy generation with a cache, four texts at a time.

    All write equally many tokens, in turns, of which the median counts.

    Args:
        sides: Of each decoder its Llama, its parameters and its prompts: token ids, of which the
            first few are taken.
    """
    work = []
    for net, params, prompts in sides:
        some = padding.padded([prompts[n % len(prompts)] for n in range(PROMPTS)], left=True)
        write = answers.writer(net, (), TIMED)
        work.append(functools.partial(write, jax.device_put(params), some, PROMPTS))
    return [TIMED * PROMPTS / seconds for seconds in cost.in_turns(work, TURNS)]
