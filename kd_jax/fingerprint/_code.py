"""The fingerprint of code: all that functions reach by name in a project, read as text."""

import ast
import functools
import hashlib
import inspect
import pathlib
import types
from collections.abc import Callable

from kd_jax.errors import require
from kd_jax.fingerprint._source import LIBRARY, Reader, installed, parts_of, top

# Packages that move bytes, show results or start programs: nothing in them changes a number.
WITHOUT_NUMBERS = tuple(
    f"kd_jax.{name}" for name in ("storage", "runtime", "report", "export", "experiment", "errors")
)
reader = functools.cache(Reader)


def code(*functions: Callable) -> str:
    """16 hexadecimal digits of all code of a project that functions reach by name.

    Every name in a definition is followed to its own: functions, classes and constants, through the
    imports of kd_jax and of what lies beside the function's package or script. Docstrings,
    comments, annotations and packages that only move bytes or show results do not count.

    Args:
        functions: functions or classes that are defined in files.

    Returns:
        A digest that any edit of a reached line changes.

    Raises:
        InputError: one is no function of a file, as a lambda or what was typed at a prompt.
    """
    places = [_place(function) for function in functions]
    read = reader(LIBRARY.parent, *dict.fromkeys(top(path) for path, _ in places))
    start = []
    for path, name in places:
        start.append((read.name_of(path), name))
        require(
            name in read.scope(start[-1][0]), f"{name} of {path} is no function: expected a def"
        )
    return digest(reached(read, start))


def module(path: pathlib.Path) -> str:
    """`code` of all that a module of a project defines.

    Args:
        path: its file.
    """
    read = reader(LIBRARY.parent, top(path))
    return digest(reached(read, [(read.name_of(path), "")]))


def definition(path: pathlib.Path, function: types.CodeType) -> str:
    """`code` of one function, which may be a lambda, or stand within others beside its namesakes.

    Args:
        path: its file.
        function: its __code__.

    Raises:
        InputError: it is not found there.
    """
    read = reader(LIBRARY.parent, top(path))
    return _definition(read, read.name_of(path), function)


@functools.cache
def _definition(read, module, function):
    nodes = [x for x in ast.walk(read.tree(module)) if _compiles_to(x, function)]
    name = function.co_qualname
    require(nodes, f"{name} is not where it was in {read.path(module)}: begin again, it was edited")
    node, name = nodes[0], name.split(".")[0]
    start = [(module, name)] if name in read.scope(module) else _followed(read, module, node)
    return digest({**reached(read, start), (module, ""): ast.dump(node)})


def _compiles_to(node, function):
    """Whether a definition is the one of a function's code."""
    if isinstance(node, ast.Lambda) and function.co_name == "<lambda>":
        body = node.body
        ends = body.lineno, body.end_lineno, body.col_offset, body.end_col_offset
        return ends in function.co_positions()
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    first = min(each.lineno for each in (node, *node.decorator_list))
    return (node.name, first) == (function.co_name, function.co_firstlineno)


def _place(function):
    """(the file, the name at its top) of the definition of a function or class."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    try:
        path = pathlib.Path(inspect.getsourcefile(function) or "")
        name = function.__qualname__.split(".")[0]
    except (TypeError, AttributeError):
        path, name = pathlib.Path(), repr(function)
    known = path.is_file() and not installed(path)
    require(known, f"{name} is no function of a project's file: expected a def in a module")
    return path.resolve(), name


def digest(found: dict) -> str:
    """16 hexadecimal digits of what `reached` gives."""
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]


def reached(read: Reader, start: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """{(module, name): digest of its definition} of all that some reach, themselves included.

    Args:
        read: of the project.
        start: (module, name) pairs; "" is all of a module.
    """
    found: dict = {}
    left = [*start]
    while left:
        place = left.pop()
        if place not in found:
            found[place], more = _uses(read, *place)
            left += more
    return found


@functools.cache
def _uses(read, module, name):
    """(the digest of a definition, the places that it names)."""
    scope = read.scope(module)
    if not name:  # a module that is used whole
        return "", [place for each in scope for place in _meant(read, module, each)]
    nodes = [x for x in scope.get(name, []) if isinstance(x, ast.AST)]
    sources = [x for x in scope.get(name, []) if isinstance(x, tuple)]
    more = [place for source in sources for place in _meant(read, *source)]
    text = repr([_dumped(node) for node in nodes])
    more += [place for node in nodes for place in _followed(read, module, node)]
    return hashlib.sha256(text.encode()).hexdigest(), more


def _meant(read, module, name):
    """[the place of what a module calls so], or [] where it changes no number."""
    place = read.meant(module, name)
    return [] if place[0].startswith(WITHOUT_NUMBERS) else [place]


_dumped = functools.cache(ast.dump)


def _followed(read, module, node):
    """The places of all that the names in a definition mean."""
    scope = dict(read.scope(module))
    package = read.package(module)
    imports, names = _inside(node)
    for each in imports:
        scope |= {name: [source] for name, source in read.imports(each, package).items()}
    found = []
    for first, *more in names:
        for source in scope.get(first, []):
            if isinstance(source, tuple):
                found += _dotted(read, source, more)
            else:
                found += _meant(read, module, first)
    return found


@functools.cache
def _inside(node):
    """(the imports, the dotted names as lists of their parts) in a definition."""
    inside = list(ast.walk(node))
    owners = {id(x.value) for x in inside if isinstance(x, ast.Attribute)}
    names = [x for x in inside if isinstance(x, (ast.Attribute, ast.Name)) and id(x) not in owners]
    imports = [x for x in inside if isinstance(x, (ast.Import, ast.ImportFrom))]
    return imports, [parts for parts in map(parts_of, names) if parts]


def _dotted(read, start, parts):
    """The places of what follows an imported name, its modules passed through."""
    module, name = read.meant(*start)
    for part in parts:
        if name:
            break
        module, name = read.meant(module, part)
    return _meant(read, module, name)
