"""Chat templates: conversations as text, and which of its characters an assistant wrote.

A template is a program in Jinja that comes with a model. It is rendered as the library
transformers does: in a sandbox, with its settings, filters and functions, and its tag `generation`.

Source: transformers 5.24, utils/chat_template_utils.py.
"""

import datetime
import functools
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kd_jax.errors import InputError, brief, extra, require

START, END = "<|im_start|>", "<|im_end|>"
# ChatML without a system message of its own, for models whose files have no template
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}{% if "
    "message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}"
    "{% endgeneration %}{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# noncharacters of Unicode, which no text holds: around what an assistant wrote
OPEN, CLOSE = "\ufdd0", "\ufdd1"
Messages = Sequence[Mapping[str, Any]]


class Rendered(NamedTuple):
    """A text and its spans (first, end): the characters that an assistant wrote.

    tagged: whether the template itself said so. plain: whether no template wrote it.
    """

    text: str
    spans: list[tuple[int, int]]
    tagged: bool = False
    plain: bool = False


class ChatTemplate(NamedTuple):
    """The chat template of a model.

    Attributes:
        text: The program.
        marks: {"bos_token": …, "eos_token": …}: texts of special tokens that it may name.
        source: Where it comes from, for error messages.
    """

    text: str
    marks: tuple[tuple[str, str], ...] = ()
    source: str | os.PathLike = "the chat template"

    def check(self) -> None:
        """InputError unless it is a program at all."""
        _compiled(self.text, str(self.source))

    def render(self, messages: Messages, ask: bool = False, tools: Any = None) -> str:
        """The text of a conversation.

        Args:
            messages: Each with its role and content.
            ask: Whether an assistant's message is to follow, which then begins at the end.
            tools: Descriptions of functions that may be called, if any.

        Raises:
            InputError: The template refuses the conversation, or is none.
        """
        return _unmarked(self._marked(messages, ask, tools)).text

    def rendered(self, messages: Messages, tools: Any = None) -> list[Rendered]:
        """A conversation as one or several texts; each assistant's message is marked in one.

        The template's own tag says what the assistant wrote. Without one it is what follows the
        text that asks for the message; where the conversation does not begin with that text
        (some templates shorten earlier answers) each message is a text of its own with all before
        it, as the model meets it when it answers.

        Args:
            messages: Each with its role and content.
            tools: As for `render`.

        Raises:
            InputError: As for `render`; or an answer does not begin with what asks for it.
        """
        whole = _unmarked(self._marked(messages, False, tools))
        if "generation" in _tags(self.text):
            return [whole._replace(tagged=True)]
        parts = [
            self._answer(messages[:n], messages[n], tools)
            for n, message in enumerate(messages)
            if message["role"] == "assistant"
        ]
        if all(whole.text.startswith(part.text) for part in parts):
            return [Rendered(whole.text, [span for part in parts for span in part.spans])]
        return parts

    def _answer(self, before, message, tools) -> Rendered:
        """The Rendered text of a conversation up to an assistant's message, which alone counts."""
        asked = self.render(before, True, tools)
        text = self.render([*before, message], False, tools)
        require(
            text.startswith(asked),
            f"{self.source}: an assistant's message does not begin with what asks for it "
            f"({asked[-40:]!r}): expected a template whose messages do, or one with "
            "{% generation %} around them",
        )
        return Rendered(text, [(len(asked), len(text))])

    def _marked(self, messages, ask, tools):
        program = _compiled(self.text, str(self.source))
        plain = [{k: x for k, x in each.items() if x is not None} for each in messages]
        given = {"messages": plain, "tools": tools, "documents": None, **dict(self.marks)}
        said = json.dumps(plain, ensure_ascii=False, default=str)
        require(
            OPEN not in said and CLOSE not in said,
            "a message holds U+FDD0 or U+FDD1, which are no characters: remove them",
        )
        try:
            pieces = program.generate(add_generation_prompt=ask, **given)
            found = _bounds().written(pieces, len(said))
            found.encode()  # as a tokenizer takes it
            return found
        except Exception as error:  # whatever the program comes upon
            raise InputError(f"{self.source} refuses a conversation ({brief(error)})") from None


def _unmarked(text):
    spans, pieces, length = [], [], 0
    for piece in text.split(OPEN):
        written, closed, rest = piece.partition(CLOSE)
        if closed:
            spans.append((length, length + len(written)))
        pieces += [written, rest]
        length += len(written) + len(rest)
    return Rendered("".join(pieces), spans)


@functools.lru_cache(maxsize=64)
def _tags(text):
    """The names of a template's own tags."""
    return {words[2] for words in _environment().lex(text) if words[1] == "name"}


@functools.lru_cache(maxsize=64)
def _compiled(text, source):
    try:
        _bounds().begin()  # constants are computed now
        return _environment().from_string(text)
    except Exception as error:
        raise InputError(f"{source} is no chat template ({brief(error)}): get it again") from None


def _bounds():
    """The module that needs jinja2, which programs without chats do not."""
    from kd_jax.pretrained import bounded_templates

    return bounded_templates


@functools.cache
def _environment():
    """Jinja's sandbox as transformers sets it up, with bounds on what is written and done."""
    bounds = _bounds()
    with extra("text"):
        from jinja2 import ext, nodes
        from jinja2.exceptions import TemplateError

    class Generation(ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_between"), [], [], body).set_lineno(line)

        def _between(self, caller):
            return f"{OPEN}{caller()}{CLOSE}"

    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        given = {"indent": indent, "separators": separators, "sort_keys": sort_keys}
        return json.dumps(x, ensure_ascii=ensure_ascii, **given)

    found = bounds.Bounded(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, ext.loopcontrols]
    )
    found.filters["tojson"] = bounds.bounded("tojson", tojson)
    found.globals["raise_exception"] = raise_exception
    found.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    return found
