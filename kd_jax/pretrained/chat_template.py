"""ChatML chat template: prompts and answers as tokens, and which tokens are the answer.

Source: the chat template of SmolLM2-135M-Instruct's tokenizer (ChatML).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from kd_jax.data import padding
from kd_jax.errors import require

START, END = "<|im_start|>", "<|im_end|>"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def prompt(question: str, system: str = SYSTEM) -> str:
    """The text before the answer to a question; system="" leaves out that message."""
    messages = [("system", system)] * bool(system) + [("user", question)]
    text = "".join(f"{START}{who}\n{what}{END}\n" for who, what in messages)
    return f"{text}{START}assistant\n"


def require_chatml(tokenizer: Any, template: Any, source: Any) -> None:
    """InputError unless a model is one that chats in ChatML.

    Args:
        tokenizer: of the model.
        template: the chat template that its files give: a text, a list of them, or None.
        source: of the model, for the error message.
    """
    require(
        tokenizer.token_to_id(END) is not None,
        f"{source}: its tokenizer lacks {END}: expected a ChatML chat model",
    )
    require(
        template is None or START in str(template),
        f"{source}: its chat template has no {START}: expected a ChatML chat model",
    )


def stop_token(tokenizer: Any) -> int:
    """The id of the token that ends an answer, of a ChatML model's tokenizer."""
    return tokenizer.token_to_id(END)


def prompts(tokenizer: Any, questions: Sequence[str], system: str = SYSTEM) -> padding.Tokens:
    """The Tokens of questions' prompts, padded on the left: what a decoder continues."""
    return padding.padded(_ids(tokenizer, [prompt(each, system) for each in questions]), left=True)


def answers(tokenizer: Any, texts: Sequence[str]) -> padding.Tokens:
    """The Tokens of answers, END included, padded on the right."""
    return padding.padded(_ids(tokenizer, [each + END for each in texts]))


def answered(
    tokenizer: Any,
    questions: Sequence[str],
    answers: Sequence[str],
    max_length: int,
    system: str = SYSTEM,
) -> tuple[padding.Tokens, Bool[np.ndarray, "N T"]]:
    """Questions with their answers, and which tokens are the answer.

    Prompt and answer become tokens apart, as when a decoder writes one.

    Args:
        tokenizer: of a ChatML model.
        questions: N texts.
        answers: N texts.
        max_length: longer ones are cut to so many tokens.
        system: the system message.

    Returns:
        (Tokens, mask): True for the answer's tokens, END included, False for the prompt's and the
        padding.
    """
    before = _ids(tokenizer, [prompt(each, system) for each in questions])
    after = _ids(tokenizer, [answer + END for answer in answers])
    texts = [(a + b)[:max_length] for a, b in zip(before, after)]
    tokens = padding.padded(texts, longest=max_length)
    starts = np.array([len(a) for a in before])[:, None]
    return tokens, tokens.mask & (np.arange(tokens.mask.shape[1]) >= starts)


def _ids(tokenizer, texts):
    tokenizer.no_truncation()  # text.encode may have left one
    return [each.ids for each in tokenizer.encode_batch(texts, add_special_tokens=False)]
