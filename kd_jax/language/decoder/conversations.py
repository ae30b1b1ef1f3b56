"""Conversations and plain texts of a .jsonl file, checked: what a decoder is to learn from.

{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
{"prompt": "…", "completion": "…"}
{"text": "…"}
"""

import difflib
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from kd_jax.errors import InputError, require
from kd_jax.language import json_lines
from kd_jax.pretrained.settings import shown

ROLES = "system", "developer", "user", "assistant", "tool"
LIKE, NOTHING = '{"messages": […]}', "there is nothing to learn; remove the line"
OTHER_NAMES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant"}


class Keys(NamedTuple):
    """Under which keys of a line it stands; "" where it is not said.

    Attributes:
        messages: Conversations.
        prompt: What a user says.
        completion: What an assistant answers.
        text: Plain texts.
    """

    messages: str = ""
    prompt: str = ""
    completion: str = ""
    text: str = ""


UNSAID, USUAL = Keys(), Keys("messages", "prompt", "completion", "text")


class Example(NamedTuple):
    """One line of a file.

    Attributes:
        where: The file and the line's number, for messages.
        messages: Of a conversation.
        text: Plain, where there are no messages.
        tools: Descriptions of functions, given to the template.
    """

    where: str
    messages: list[dict[str, Any]] = []
    text: str = ""
    tools: Any = None


def read(path: str | os.PathLike, keys: Keys = UNSAID) -> list[Example]:
    """The Examples of a file.

    Args:
        path: A .jsonl file.
        keys: Those that are said; of none the first line has the usual ones.

    Raises:
        InputError: The file or a line is not what is expected; it names the line.
    """
    found: list[Example] = []
    for number, line in json_lines.read(path, LIKE):
        where = json_lines.place(path, number)
        keys = keys if any(keys) else _usual(line, where)
        found.append(_example(line, keys, where))
    require(found, f"{path} holds no line: expected one object a line")
    return found


def _usual(line, where):
    """The usual Keys that a line has."""
    if USUAL.messages in line:
        return Keys(messages=USUAL.messages)
    if USUAL.prompt in line and USUAL.completion in line:
        return Keys(prompt=USUAL.prompt, completion=USUAL.completion)
    missing = [name for name in USUAL if name not in line]
    near = [*filter(None, (_nearest(key, missing) for key in line))]
    guess = f"did you mean {' and '.join(near)}? Or say" if near else "say other ones,"
    require(
        USUAL.text in line, f"{where} has {json_lines.names(line)}: expected messages, prompt with "
        f"completion, or text; {guess} --prompt_key=… with --completion_key=…, "
        "--messages_key=… or --text_key=…",
    )  # fmt: skip
    return Keys(text=USUAL.text)


def _nearest(key, names):
    """The usual key that another one may be meant for, or ""."""
    return next(iter(difflib.get_close_matches(key.lower(), names, 1)), "")


def _example(line, keys, where):
    if keys.text:
        text = json_lines.filled(
            json_lines.value(line, keys.text, where), keys.text, where, NOTHING
        )
        return Example(where, text=text)
    tools = line.get("tools")
    if keys.messages:
        said = json_lines.value(line, keys.messages, where)
        require(
            isinstance(said, list) and said,
            f"{where}: {keys.messages} is {shown(said)}, expected a list of messages",
        )
        return Example(where, _conversation(said, where), tools=tools)
    pairs = (keys.prompt, "user"), (keys.completion, "assistant")
    before, after = (
        _spoken(json_lines.value(line, key, where), key, role, where) for key, role in pairs
    )
    return Example(where, _conversation(before + after, where), tools=tools)


def _spoken(value, key, role, where) -> list:
    """The messages of a prompt or a completion, which are a text or messages."""
    if isinstance(value, list):
        return value
    return [{"role": role, "content": json_lines.filled(value, key, where, NOTHING)}]


def asked(messages: Any) -> list[dict[str, Any]]:
    """Messages that are checked, which an assistant is to answer.

    Args:
        messages: Each with role and content.

    Raises:
        InputError: They are none.
    """
    require(
        isinstance(messages, (list, tuple)) and len(messages),
        f"the question is {messages!r:.60}: expected a text, or messages with role and content",
    )
    return [_message(each, f"message {n}") for n, each in enumerate(messages, 1)]


def _conversation(messages: Sequence[Any], where: str) -> list[dict[str, Any]]:
    """Messages that are checked, at least one of them an assistant's."""
    found = [_message(each, f"{where}, message {n}") for n, each in enumerate(messages, 1)]
    require(
        any(each["role"] == "assistant" for each in found),
        f"{where} has no message of an assistant: there is nothing to learn; remove the line",
    )
    return found


def _message(message, where):
    require(isinstance(message, dict), f"{where} is {shown(message)}, expected an object")
    require(
        "role" in message, f"{where} has {json_lines.names(message)}: expected role and content" +
        " (from and value are another form: rename them)" * ("from" in message),
    )  # fmt: skip
    role = message["role"]
    if role not in ROLES:
        raise _unknown(role, where)
    content = _content(message, where)
    require(
        role != "assistant" or message.get("tool_calls") or (content or "").strip(),
        f"{where}: content of an assistant is empty: there is nothing to learn; remove it",
    )
    return {**message, "content": content}


def _unknown(role, where):
    """The InputError of a role, with the nearest of the known ones."""
    near = OTHER_NAMES.get(role) if isinstance(role, str) else None
    near = near or next(iter(difflib.get_close_matches(str(role), ROLES, 1)), None)
    guess = f"; did you mean {near}?" if near else ""
    return InputError(f"{where}: role is {shown(role)}, expected one of {', '.join(ROLES)}{guess}")


def _content(message, where):
    """The text of a message; of several parts that are texts, one after the other."""
    said = message.get("content")
    if isinstance(said, list) and said:
        parts = [each.get("text") if isinstance(each, dict) else None for each in said]
        texts = [each for each in parts if isinstance(each, str)]
        require(
            len(texts) == len(parts),
            f"{where}: content has a part that is no text: images and the like are not read",
        )
        return "".join(texts)
    none = said is None and message.get("tool_calls")
    require(none or isinstance(said, str), f"{where}: content is {shown(said)}, expected a text")
    return said
