"""The content that a function of somebody's Python file depends on, as far as its text shows it."""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pathlib
import sys

from kd_jax.distill import teacher_files
from kd_jax.errors import InputError, brief, require

KERNEL = "/proc/", "/sys/"  # whose files are other ones at every reading


def digest(where: str) -> str:
    """SHA-256 of a function's source file and of what it names.

    That is its file, the modules beside it that it imports, and these theirs; files that texts in
    them name, such as weights, as paths from the file's folder or from here; the variables of the
    environment that are named where any is read; and the versions of installed packages that are
    imported. What is found otherwise, as a path that is put together or what a network gives, is
    not known.

    Args:
        where: file.py:function or package.module:function.

    Raises:
        InputError: The file is absent, or the module cannot be found.
    """
    place, _, name = where.rpartition(":")
    expected = "expected file.py:function or package.module:function"
    require(place and name, f"{where}: {expected}")
    path = pathlib.Path(place).expanduser() if place.endswith(".py") else _origin(place)
    require(path is None or os.path.isfile(path), f"{path}: there is no such file")
    summed = hashlib.sha256(name.encode())
    files, around = _reached(path.absolute()) if path else (set(), set())
    for file in sorted(files):
        summed.update(hashlib.sha256(file.read_bytes()).digest())
    summed.update(repr(sorted(around)).encode())
    return summed.hexdigest()


def _origin(module):
    """The file of a module; None of one without."""
    teacher_files.search_here()
    try:
        spec = importlib.util.find_spec(module)
    except Exception as error:  # whatever the packages around it raise
        what = f"{type(error).__name__}: {brief(error)}"
        raise InputError(f"{module}: the module cannot be imported ({what})") from error
    origin = (spec.origin if spec else None) or ""
    return pathlib.Path(origin) if origin.endswith(".py") else None


def _reached(path):
    """(files that a source file depends on, itself among them; what `_around` finds in them)."""
    found, around, left, top = set(), set(), [path], path.parent
    while (top / "__init__.py").is_file():  # names of a package begin beside it
        top = top.parent
    while left:
        here = left.pop()
        if here in found:
            continue
        found.add(here)
        if here.suffix == ".py":
            nodes = _nodes(here)
            left += _named(top, here, nodes)
            around |= set(_around(nodes))
    return found, around


def _named(folder, path, nodes):
    """The modules below a folder that a source file imports, and the files that its texts name."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _modules(folder, path.parent, alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module or ''}.{alias.name}"
                yield from _modules(folder, path.parent, whole)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _files(path.parent, node.value)


def _nodes(path):
    """All nodes of a source file's syntax tree."""
    try:
        return list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError, OSError):
        return []  # who imports it is told


def _around(nodes):
    """(name, value) of each variable of the environment and version that a file depends on."""
    texts = {x.value for x in nodes if isinstance(x, ast.Constant) and isinstance(x.value, str)}
    names = {getattr(x, "attr", getattr(x, "id", getattr(x, "name", ""))) for x in nodes}
    if names & {"environ", "getenv"}:
        yield from ((text, os.environ[text]) for text in texts & os.environ.keys())
    whole = {x.name for x in nodes if isinstance(x, ast.alias)}
    whole |= {x.module for x in nodes if isinstance(x, ast.ImportFrom) and x.module}
    foreign = {name.split(".")[0] for name in whole} - sys.stdlib_module_names
    if foreign:
        known = _distributions()
        for package in {package for name in foreign for package in known.get(name, [])}:
            yield package, importlib.metadata.version(package)


@functools.cache  # as it reads a file of every installed package
def _distributions():
    """{name that is imported: the packages that bring it}."""
    return importlib.metadata.packages_distributions()


def _modules(*places):
    """The files of a dotted name in folders, those of the packages around it too."""
    *folders, name = places
    parts = [part for part in name.split(".") if part]
    for folder in dict.fromkeys(folders):
        for end in range(1, len(parts) + 1):
            at = folder.joinpath(*parts[:end])
            for file in (at.with_name(at.name + ".py"), at / "__init__.py"):
                if file.is_file():
                    yield file


def _files(folder, text):
    """The file that a text is the path of, if it is."""
    if not text or len(text) > 255 or "\n" in text or "\0" in text:
        return
    for file in (folder / text, pathlib.Path(text).absolute()):
        if file.is_file() and not str(file).startswith(KERNEL):
            yield file
            return
