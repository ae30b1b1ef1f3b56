"""Questions and answers as SmolLM2 was taught to see them, and which tokens are the answer.

Source: the chat template of SmolLM2-135M-Instruct's tokenizer (ChatML).
"""

import numpy as np

from kd_jax.data import padding

START, END = "<|im_start|>", "<|im_end|>"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def prompt(question, system=SYSTEM):
    """The text before the answer to a question; system="" leaves out that turn."""
    turns = [("system", system)] * bool(system) + [("user", question)]
    said = "".join(f"{START}{who}\n{what}{END}\n" for who, what in turns)
    return f"{said}{START}assistant\n"


def stop_token(tokenizer):
    """The number of the token that ends an answer."""
    return tokenizer.token_to_id(END)


def prompts(tokenizer, questions, system=SYSTEM):
    """The Tokens of questions' prompts, padded on the left: what a decoder continues."""
    return padding.padded(
        _numbers(tokenizer, [prompt(each, system) for each in questions]), left=True
    )


def answers(tokenizer, texts):
    """The Tokens of answers, END included, padded on the right."""
    return padding.padded(_numbers(tokenizer, [each + END for each in texts]))


def answered(tokenizer, questions, answers, longest, system=SYSTEM):
    """(Tokens [N, T], which of them are the answer [N, T]) of questions with their answers.

    The answer's tokens, END included, are True; the prompt's and the padding are False. Both are
    cut to `longest` tokens. Prompt and answer become tokens apart, as when a decoder writes one.
    """
    asked = _numbers(tokenizer, [prompt(each, system) for each in questions])
    said = _numbers(tokenizer, [answer + END for answer in answers])
    tokens = padding.padded([(a + b)[:longest] for a, b in zip(asked, said)])
    starts = np.array([len(a) for a in asked])[:, None]
    return tokens, tokens.mask & (np.arange(tokens.mask.shape[1]) >= starts)


def _numbers(tokenizer, texts):
    tokenizer.no_truncation()  # text.encode may have left one
    return [each.ids for each in tokenizer.encode_batch(texts, add_special_tokens=False)]
