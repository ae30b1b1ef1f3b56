"""Jinja's sandbox with a bound on what a template writes: a short one can ask for any memory.

Bounded are what is printed, also into a block that is kept, and what operators, filters and
methods of texts make that is many times as long as what they are given.
"""

import re
from collections.abc import Callable
from typing import Any

from kd_jax.errors import extra

with extra("text"):
    from jinja2.compiler import CodeGenerator
    from jinja2.exceptions import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LETTERS = 10_000_000  # that are printed at most, and a hundred times what is given
MADE = 2**28  # letters or entries, by one operation
OPERATORS = "*", "+", "**", "%"
# filters and methods whose result may be as long as the product of two arguments
GROWING = (
    "replace", "join", "center", "ljust", "rjust", "zfill", "expandtabs", "indent", "wordwrap",
    "tojson", "format", "format_map", "batch", "slice", "urlize",
)  # fmt: skip
# the width of a number or a text in a format, or that it is an argument
WIDE = {
    "%": re.compile(r"%[-+ #0]*(\d{8}|\*|\d*\.(\d{8}|\*))"),
    "format": re.compile(r"\{[^{}]*(\d{8}|:[^{}]*\{)"),
}


class Bounded(ImmutableSandboxedEnvironment):
    """The sandbox."""

    intercepted_binops = frozenset(OPERATORS)

    def __init__(self, **options: Any):
        """As of jinja2."""
        super().__init__(**options)
        self.code_generator_class = _Generator
        self.globals.pop("lipsum", None)  # nonsense of any length
        for name in GROWING:
            if name in self.filters:
                self.filters[name] = bounded(name, self.filters[name])

    def call_binop(self, context, operator, left, right):
        """An operator, unless its result would be too long."""
        sizes = _size(left), _size(right)
        if operator == "+":
            _require(sum(sizes) <= MADE)
        elif operator == "%" and isinstance(left, str):
            _require(not WIDE["%"].search(left))
        elif operator == "**":
            _require(_bits(left) * (right if isinstance(right, int) else 1) <= MADE)
        elif operator == "*":
            numbers = isinstance(left, int) and isinstance(right, int)
            _require(_bits(left) + _bits(right) <= MADE if numbers else _product(sizes) <= MADE)
        return super().call_binop(context, operator, left, right)

    def call(self, context, function, *arguments, **named):  # noqa: N805, as of jinja2
        """A function or a method, unless its result would be too long."""
        plain = getattr(function, "__wrapped__", function)  # the sandbox has its own `format`
        text, name = getattr(plain, "__self__", None), getattr(plain, "__name__", "")
        if isinstance(text, str) and name in GROWING:
            _check(text, *arguments, *named.values())
            _require(not (name.startswith("format") and WIDE["format"].search(text)))
        return super().call(context, function, *arguments, **named)

    def printed(self) -> "_Printed":
        """Where a block is kept: a list of texts."""
        return _Printed()

    def joined(self, parts: tuple) -> str:
        """The operator ~."""
        texts = [str(each) for each in parts]
        _require(sum(map(len, texts)) <= MADE)
        return "".join(texts)


class _Printed(list):
    """Texts, not more letters than MADE."""

    def __init__(self):
        super().__init__()
        self.letters = 0

    def append(self, text):
        """Add one."""
        self.letters += len(text) + 1
        _require(self.letters <= MADE)
        super().append(text)

    def extend(self, texts):
        """Add several."""
        for text in texts:
            self.append(text)


class _Generator(CodeGenerator):
    """Writes programs that keep and join texts by the functions above."""

    def buffer(self, frame):
        """Begin a block that is kept."""
        frame.buffer = self.temporary_identifier()
        self.writeline(f"{frame.buffer} = environment.printed()")

    def visit_Concat(self, node, frame):  # noqa: N802, as of jinja2
        """The operator ~."""
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


def written(pieces: Any, given: int) -> str:
    """The text of what a template prints, piece by piece.

    Args:
        pieces: Of it.
        given: Letters that it was given.

    Raises:
        TemplateError: It has more letters than LETTERS and a hundred times what is given.
    """
    found, most = [], LETTERS + 100 * given
    for piece in pieces:
        most -= len(piece) + 1
        _require(most >= 0, LETTERS + 100 * given)
        found.append(piece)
    return "".join(found)


def bounded(name: str, of: Callable) -> Callable:
    """A filter, which refuses what would be too long.

    Args:
        name: Of it.
        of: The filter.
    """

    def checked(*arguments, **named):
        _check(*arguments, *named.values())
        _require(not (name == "format" and WIDE["%"].search(str(arguments[0]))))
        return of(*arguments, **named)

    checked.__dict__.update(vars(of))  # whether it is given the context
    return checked


def _check(*arguments):
    """TemplateError unless the product of the two largest arguments is small."""
    _require(_product(sorted(map(_size, arguments))[-2:]) <= MADE)


def _product(sizes):
    found = 1
    for size in sizes:
        found *= max(size, 1)
    return found


def _size(x):
    if isinstance(x, bool):
        return 1
    if isinstance(x, int):
        return abs(x)
    return len(x) if isinstance(x, str | list | tuple | dict | range) else 1


def _bits(x):
    return x.bit_length() if isinstance(x, int) else 64


def _require(right, most=MADE):
    if not right:
        raise TemplateError(f"it would write more than {most:,} letters")
