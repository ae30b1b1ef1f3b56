"""GSM8K's questions and solutions as token sequences of a chat model."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from kd_jax.data.gsm8k import QuestionAndSolution
from kd_jax.errors import require
from kd_jax.language.tokens import Texts, prompts_and_answers
from kd_jax.pretrained.chat import Chat, chatml


def plain(solution: str) -> str:
    """A published solution without its calculator annotations, <<48/2=24>>."""
    return re.sub("<<.*?>>", "", solution)


def chat_of(model: Any) -> Chat:
    """The Chat that problems are told in: ChatML without a system message, or a model's own.

    Args:
        model: a ChatModel.
    """
    return chatml(model.tokenizer) or model.chat()


def conversation(question: str, solution: str) -> list[dict]:
    """A question and its solution as the messages of a chat."""
    said = (("user", question), ("assistant", solution))
    return [{"role": role, "content": content} for role, content in said]


def encode(
    chat: Chat,
    problems: Sequence[QuestionAndSolution],
    count: int,
    max_lengths: tuple[int, int],
) -> Texts:
    """The first `count` problems that are short enough, in a chat template; none is cut.

    Args:
        chat: of a model.
        problems: in the order in which they are tried.
        count: how many are wanted.
        max_lengths: (tokens of a prompt, tokens of an answer) at most.

    Raises:
        InputError: there are fewer such problems.
    """
    chats = [conversation(p.question, plain(p.solution)) for p in problems]
    found = prompts_and_answers([texts[-1] for texts in chat.encode(chats)])
    lengths = np.stack([found.prompts.mask.sum(1), found.answers.mask.sum(1)], 1)
    fits = np.flatnonzero((lengths <= max_lengths).all(1))
    require(
        len(fits) >= count,
        f"{len(fits)} of {len(problems)} problems have prompts of {max_lengths[0]} tokens or "
        f"fewer and answers of {max_lengths[1]}: expected {count}; ask for fewer or allow longer "
        "ones",
    )
    found = found.take(fits[:count])
    return Texts(
        found.prompts.take(np.s_[:, -max_lengths[0] :]),
        found.answers.take(np.s_[:, : max_lengths[1]]),
    )
