"""Jinja's sandbox with bounds on what a template writes and does: a short one can ask for anything.

Bounded are what is printed, also into a block that is kept; what operators, filters and methods of
texts make that is many times as long as what they are given; and the steps of it all.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from kd_jax.errors import extra
from kd_jax.pretrained.template_budget import (
    LETTERS_A_STEP,
    begin,
    counted,
    require_bits,
    size,
    touched,
    walked,
)

with extra("text"):
    from jinja2 import nodes
    from jinja2.compiler import CodeGenerator
    from jinja2.exceptions import TemplateError
    from jinja2.runtime import LoopContext, Macro
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LETTERS = 10_000_000  # that are printed at most, and a hundred times what is given
MADE = 2**28  # letters or entries, by one operation
OPERATORS = "*", "+", "-", "/", "//", "**", "%"
# filters and methods whose result may be as long as the product of two arguments
GROWING = (
    "replace", "join", "center", "ljust", "rjust", "zfill", "expandtabs", "indent", "wordwrap",
    "tojson", "format", "format_map", "batch", "slice", "urlize", "translate", "to_bytes",
)  # fmt: skip
# filters that look at no entry of what they are given, and tests that look at all
QUICK = "length", "count", "first", "last", "default", "d", "items", "attr", "random", "safe"
COMPARING = (
    "in", "==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", ">=", "ge", "<", "lt",
    "lessthan", "<=", "le", "divisibleby",
)  # fmt: skip
# filters and methods that may make an entry of each letter
PIECES = (
    "list", "split", "rsplit", "splitlines", "map", "select", "reject", "sort", "unique",
    "reverse", "wordcount", "batch", "slice", "join",
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
        super().__init__(finalize=walked, **options)
        self.code_generator_class = _Generator
        self.globals.pop("lipsum", None)  # nonsense of any length
        self.filters.update({name: bounded(name, of) for name, of in self.filters.items()})
        tests: dict[str, Any] = self.tests
        self.tests.update({name: bounded(name, tests[name]) for name in COMPARING})
        # what the generated programs call
        self.counted, self.touched, self.walked = counted, touched, walked

    def call_binop(self, context, operator, left, right):
        """An operator, unless its result would be too long."""
        sizes = size(left), size(right)
        if operator == "+":
            _require(sum(sizes) <= MADE)
        elif operator == "%" and isinstance(left, str):
            _require(not WIDE["%"].search(left))
        elif operator == "**":
            if isinstance(left, int) and isinstance(right, int):
                require_bits(left.bit_length() * right)
        elif operator == "*":
            times = [x for x in (left, right) if isinstance(x, int)]
            if len(times) == 1:
                _require(max(sizes) * times[0] <= MADE)
        return touched(super().call_binop(context, operator, left, right))

    def call(self, context, function, *arguments, **named):  # noqa: N805, as of jinja2
        """A function or a method, unless its result would be too long."""
        if isinstance(function, LoopContext):
            arguments = tuple(map(counted, arguments))
        elif not isinstance(function, Macro):  # which pays for what it does
            plain = getattr(function, "__wrapped__", function)  # the sandbox has its own `format`
            of, name = getattr(plain, "__self__", None), getattr(plain, "__name__", "")
            of = () if isinstance(of, dict) else (of,)
            _check(name, *of, *arguments, *named.values())
        return touched(super().call(context, function, *arguments, **named))

    def getitem(self, obj, argument):
        """An entry."""
        return super().getitem(obj, walked(argument))

    def printed(self) -> "_Printed":
        """Where a block is kept: a list of texts."""
        return _Printed()

    def joined(self, parts: tuple) -> str:
        """The operator ~."""
        texts = [str(walked(each)) for each in parts]
        _require(sum(map(len, texts)) <= MADE)
        return touched("".join(texts))


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
    """Writes programs that loop, compare, cut, keep and join by the functions above."""

    def visit(self, node, *arguments, **named):
        """Write an expression, or a call of one of these functions with it."""
        by = self.by.pop(id(node), None)
        if by is None or isinstance(node, nodes.Const):
            return super().visit(node, *arguments, **named)
        self.write(f"environment.{by}(")
        super().visit(node, *arguments, **named)
        self.write(")")

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.by: dict[int, str] = {}  # the functions of expressions

    def visit_For(self, node, frame):  # noqa: N802, as of jinja2
        """A loop."""
        self.by[id(node.iter)] = "counted"
        super().visit_For(node, frame)

    def visit_Compare(self, node, frame):  # noqa: N802
        """A comparison."""
        for part in (node.expr, *(each.expr for each in node.ops)):
            self.by[id(part)] = "walked"
        super().visit_Compare(node, frame)

    def visit_Getitem(self, node, frame):  # noqa: N802
        """An entry or a slice."""
        if isinstance(node.arg, nodes.Slice):
            self.by[id(node.node)] = "touched"
        super().visit_Getitem(node, frame)

    def visit_Dict(self, node, frame):  # noqa: N802
        """A dict, whose keys are hashed."""
        for item in node.items:
            self.by[id(item.key)] = "walked"
        super().visit_Dict(node, frame)

    def buffer(self, frame):
        """Begin a block that is kept."""
        frame.buffer = self.temporary_identifier()
        self.writeline(f"{frame.buffer} = environment.printed()")

    def visit_Concat(self, node, frame):  # noqa: N802
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
        TemplateError: It has more letters than LETTERS and a hundred times what is given, or takes
            too many steps.
    """
    begin(given)
    found, most = [], LETTERS + 100 * given
    for piece in pieces:
        most -= len(piece) + 1
        _require(most >= 0, LETTERS + 100 * given)
        found.append(piece)
    return "".join(found)


def bounded(name: str, of: Callable) -> Callable:
    """A filter or test, which refuses what would be too long.

    Args:
        name: Of it.
        of: The filter or test.
    """
    if name in QUICK:
        return of

    def checked(*arguments, **named):
        _check(name, *arguments, *named.values())
        _require(not (name == "format" and WIDE["%"].search(str(arguments[0]))))
        return touched(of(*arguments, **named))

    checked.__dict__.update(getattr(of, "__dict__", {}))  # whether it is given the context
    return checked


def _check(name, *arguments):
    """TemplateError if what is called may make too much of these arguments."""
    letters = 1 if name in PIECES else LETTERS_A_STEP
    sizes = [size(x, letters) for x in arguments]
    sizes = [max(abs(x), 1) if isinstance(x, int) else n for x, n in zip(arguments, sizes)]
    if name in GROWING:
        _require(math.prod(sorted(sizes)[-2:]) <= MADE)
        _require(not name.startswith("format") or not WIDE["format"].search(str(arguments[0])))


def _require(right, most=MADE):
    if not right:
        raise TemplateError(f"it would write more than {most:,} letters")
