"""GSM8K's questions and solutions as token sequences of a chat model."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from kd_jax.data.gsm8k import QuestionAndSolution
from kd_jax.errors import require
from kd_jax.language.tokens import Texts
from kd_jax.pretrained import chat_template


def plain(solution: str) -> str:
    """A published solution without its calculator annotations, <<48/2=24>>."""
    return re.sub("<<.*?>>", "", solution)


def encode(
    tokenizer: Any,
    problems: Sequence[QuestionAndSolution],
    count: int,
    max_lengths: tuple[int, int],
) -> Texts:
    """The first `count` problems that are short enough, in the chat template; none is cut.

    The template's system message is left out.

    Args:
        tokenizer: of a ChatML model.
        problems: in the order in which they are tried.
        count: how many are wanted.
        max_lengths: (tokens of a prompt, tokens of an answer) at most.

    Raises:
        InputError: there are fewer such problems.
    """
    prompts = chat_template.prompts(tokenizer, [p.question for p in problems], system="")
    answers = chat_template.answers(tokenizer, [plain(p.solution) for p in problems])
    lengths = np.stack([prompts.mask.sum(1), answers.mask.sum(1)], 1)
    fits = np.flatnonzero((lengths <= max_lengths).all(1))
    require(
        len(fits) >= count,
        f"{len(fits)} of {len(problems)} problems have prompts of {max_lengths[0]} tokens or "
        f"fewer and answers of {max_lengths[1]}: expected {count}; ask for fewer or allow longer "
        "ones",
    )
    found = Texts(prompts, answers).take(fits[:count])
    return Texts(
        found.prompts.take(np.s_[:, -max_lengths[0] :]),
        found.answers.take(np.s_[:, : max_lengths[1]]),
    )
