"""Conversations as tokens: a tokenizer with its chat template, and which tokens count."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kd_jax.errors import InputError
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.chat_template import CHATML, END, START, ChatTemplate, Messages, Rendered

PROBE = "kd"  # an answer whose end shows what ends answers


class Encoded(NamedTuple):
    """Token ids, and which of them count: True for what an assistant wrote."""

    ids: list[int]
    counted: list[bool]


class Chat(NamedTuple):
    """The tokenizer of a model and its chat template.

    Attributes:
        tokenizer: Of the package tokenizers.
        template: Of the model.
    """

    tokenizer: Any
    template: ChatTemplate

    def encode(self, conversations: Sequence[Messages], tools: Any = None) -> list[list[Encoded]]:
        """Conversations as texts of tokens; of each one or several, see ChatTemplate.rendered.

        A token counts if it has a character of an assistant's. What a template without a tag of
        its own writes behind the token that ends an answer does not count: nobody generates it.

        Args:
            conversations: Lists of messages.
            tools: Of all of them, if any.

        Raises:
            InputError: The template refuses one.
        """
        rendered = [self.template.rendered(each, tools) for each in conversations]
        flat = self.tokens([text for each in rendered for text in each])
        found = iter(flat)
        return [[next(found) for _ in each] for each in rendered]

    def tokens(self, texts: Sequence[Rendered]) -> list[Encoded]:
        """Rendered texts as tokens.

        Args:
            texts: With the characters that count.
        """
        self.tokenizer.no_truncation()  # text.encode may have left one
        encodings = tokenizers.encodings(
            self.tokenizer, [each.text for each in texts], special=False
        )
        stop = self.stop()
        return [
            Encoded(each.ids, _counted(each, text, None if text.tagged else stop))
            for each, text in zip(encodings, texts)
        ]

    def prompt(self, messages: Messages) -> list[int]:
        """The tokens that an assistant is to continue.

        Args:
            messages: What was said before.
        """
        self.tokenizer.no_truncation()
        text = self.template.render(messages, ask=True)
        return tokenizers.encodings(self.tokenizer, [text], special=False)[0].ids

    def stop(self) -> int | None:
        """The token that ends an answer in the template, or None where no special one does."""
        self.template.check()
        asked = {"role": "user", "content": PROBE}, {"role": "assistant", "content": PROBE}
        try:
            text = self.template.render(asked)
        except InputError:  # a template of its own kind of messages
            return None
        after = text[text.rindex(PROBE) + len(PROBE) :] if PROBE in text else ""
        added = self.tokenizer.get_added_tokens_decoder()
        ids = tokenizers.encodings(self.tokenizer, [after], special=False)[0].ids
        return next((n for n in ids if n in added and added[n].special), None)


def _counted(encoding, text, stop):
    """Of each token, whether it counts: up to the last `stop` of a span, where there is one."""
    ids, offsets = encoding.ids, encoding.offsets
    counted = [False] * len(ids)
    for first, end in text.spans:
        own = [n for n, (a, b) in enumerate(offsets) if b > first and a < end]
        last = max((n for n in own if ids[n] == stop), default=len(ids))
        for n in own:
            counted[n] = n <= last
    return counted


def chatml(tokenizer: Any) -> Chat | None:
    """The Chat of ChatML without a system message, where a tokenizer has its tokens; else None.

    Args:
        tokenizer: Of a model.
    """
    known = tokenizer.token_to_id(START) is not None and tokenizer.token_to_id(END) is not None
    return Chat(tokenizer, ChatTemplate(CHATML)) if known else None
