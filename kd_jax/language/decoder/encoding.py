"""Examples as tokens of at most so many, and what was cut or left out, said in a line."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kd_jax.errors import InputError, require
from kd_jax.language.decoder.conversations import Example
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.chat import Encoded
from kd_jax.pretrained.chat_template import Rendered
from kd_jax.pretrained.load import ChatModel

CUT, SKIP = "cut", "skip"  # what is done with a text that is too long
TOO_LONG = CUT, SKIP


class Texts(NamedTuple):
    """Texts as tokens.

    Attributes:
        texts: Each with at least one token that counts.
        notes: What was cut or left out, a line each.
        numbers: Of each text, among all that were encoded.
    """

    texts: list[Encoded]
    notes: list[str]
    numbers: list[int]


def encode(
    model: ChatModel,
    examples: Sequence[Example],
    max_length: int,
    too_long: str = CUT,
    name: str = "",
) -> Texts:
    """Examples as tokens of a model.

    Args:
        model: Whose tokenizer and chat template are taken.
        examples: Conversations and plain texts.
        max_length: Tokens of a text at most.
        too_long: CUT leaves the end of a longer text out, SKIP the text.
        name: Which texts of a file they are, for messages.

    Raises:
        InputError: The model has no chat template, or it refuses one of them; or none is left.
    """
    found = dict(enumerate(whole(model, written(model, examples))))
    long = [n for n, each in found.items() if len(each.ids) > max_length]
    if too_long == SKIP:
        found = {n: each for n, each in found.items() if len(each.ids) <= max_length}
    found = {n: Encoded(ids[:max_length], on[:max_length]) for n, (ids, on) in found.items()}
    # the first is read off nothing
    kept = {n: each for n, each in found.items() if any(each.counted[1:])}
    notes, of_all = [], f"of {len(examples):,}"
    if long:
        done = "left out" if too_long == SKIP else "cut"
        notes = [f"texts of more than {max_length:,} tokens: {len(long):,} {of_all}, {done}"]
    if len(kept) < len(found):
        none = len(found) - len(kept)
        notes.append(f"texts without a token that counts: {none:,} {of_all}, left out")
    said = f"{name}: " if name else ""
    require(
        kept, f"{said}no text is left of {len(examples):,}: {'; '.join(notes)}; " + (
            f"expected a larger --max_length than {max_length:,}, or shorter texts" if long else
            "expected longer texts, or a chat template that writes what assistants say"
        ),
    )  # fmt: skip
    return Texts([*kept.values()], notes, [*kept])


def written(model: ChatModel, examples: Sequence[Example]) -> list[Rendered]:
    """Examples as a model's template writes them, one or several texts of each; or as they stand.

    Args:
        model: Whose chat template is taken.
        examples: Conversations, or plain texts, all of whose characters count.

    Raises:
        InputError: The model has no chat template, or it refuses one of them.
    """
    if examples[0].text:
        return [Rendered(x.text, [(0, len(x.text))], plain=True) for x in examples]
    chat, found = model.chat(), list[Rendered]()
    for each in examples:
        try:
            found += chat.template.rendered(each.messages, each.tools)
        except InputError as error:
            raise InputError(f"{each.where}: {error}") from None
    return found


def whole(model: ChatModel, texts: Sequence[Rendered]) -> list[Encoded]:
    """Texts of `written` as tokens, all of them.

    Args:
        model: Whose tokens they become.
        texts: All plain, or none.
    """
    return _plain(model, texts) if texts[0].plain else model.chat().tokens(texts)


def _plain(model, texts):
    """Plain texts, of which every token counts but the first, and the token that ends a text."""
    model.tokenizer.no_truncation()
    encodings = tokenizers.encodings(model.tokenizer, [each.text for each in texts])
    found = []
    for each in encodings:
        ids = list(each.ids)
        if model.stop and (not ids or ids[-1] not in model.stop):
            ids.append(model.stop[-1])
        found.append(Encoded(ids, [False, *[True] * (len(ids) - 1)]))
    return found


def described(texts: Sequence[Encoded]) -> dict[str, Any]:
    """How many texts, tokens and tokens that count there are."""
    return {
        "texts": len(texts),
        "tokens": sum(len(each.ids) for each in texts),
        "counted": sum(sum(each.counted) for each in texts),
    }
