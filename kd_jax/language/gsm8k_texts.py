"""GSM8K's questions and solutions as Texts of a tokenizer, in the chat template."""

import re

import numpy as np

from kd_jax.data.padding import Tokens
from kd_jax.errors import require
from kd_jax.language.tokens import Texts
from kd_jax.pretrained import chat_template


def plain(solution):
    """A solution as published without its calculator's notes, <<48/2=24>>."""
    return re.sub("<<.*?>>", "", solution)


def texts(words, problems, count, longest):
    """The Texts of the first `count` problems that are short enough; none is cut.

    The template's system turn is left out. Args: words: the tokenizer; longest: (tokens of a
    prompt, tokens of an answer) at most. Raises: InputError when there are fewer such problems.
    """
    asked = chat_template.prompts(words, [p.question for p in problems], system="")
    said = chat_template.answers(words, [plain(p.solution) for p in problems])
    lengths = np.stack([asked.mask.sum(1), said.mask.sum(1)], 1)
    fits = np.flatnonzero((lengths <= longest).all(1))
    require(
        len(fits) >= count,
        f"{len(fits)} of {len(problems)} problems have prompts of {longest[0]} tokens or fewer and "
        f"answers of {longest[1]}: expected {count}; ask for fewer or allow longer ones",
    )
    fits = fits[:count]
    prompts = Tokens(*(x[fits][:, -longest[0] :] for x in asked))
    return Texts(prompts, Tokens(*(x[fits][:, : longest[1]] for x in said)))


def part(texts, rows):
    """Some rows of Texts."""
    return Texts(*(Tokens(*(x[rows] for x in tokens)) for tokens in texts))
