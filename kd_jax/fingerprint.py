"""Fingerprints: the same settings, data and code give the same name, anything else another."""

import ast
import functools
import hashlib
import importlib.metadata
import inspect
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np


def of(facts: Any) -> str:
    """16 hexadecimal digits of a JSON-like value; the order of its keys does not matter."""
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def versions(packages: Sequence[str] = ("jax", "jaxlib", "flax")) -> dict[str, str]:
    """{package: its installed version}, of those that decide what a network gives."""
    return {name: importlib.metadata.version(name) for name in packages}


def mismatch(found: dict, expected: dict) -> str:
    """'of 0f3a…, expected 77b2… (other teacher)': what two facts are and where they differ."""
    names = sorted({*found, *expected})
    other = ", ".join(name for name in names if found.get(name) != expected.get(name))
    return f"of {of(found)}, expected {of(expected)} (other {other})"


def arrays(tree: Any) -> str:
    """SHA-256 over every array of a pytree with its path, dtype and shape."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if jax.dtypes.issubdtype(getattr(leaf, "dtype", None), jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        leaf = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {leaf.dtype} {leaf.shape}\n".encode())
        digest.update(leaf.tobytes())
    return digest.hexdigest()


# Packages that move bytes, show results or start programs: nothing in them changes a number.
WITHOUT_NUMBERS = tuple(
    f"kd_jax.{name}" for name in ("storage", "runtime", "report", "export", "experiment", "errors")
)


def code(*functions: Callable) -> str:
    """16 hexadecimal digits of all code of a project that functions reach by name.

    Starting at each function, every name in a definition is followed to its definition: functions,
    classes and constants, through the imports of the project, to the end. Docstrings, comments and
    annotations of functions do not count. The project is kd_jax and whatever lies beside the
    function's own top-level package or script; packages that only move bytes or show results are
    left out. Nothing is imported or run.

    Args:
        functions: functions or classes that are defined in files.

    Returns:
        A digest that any edit of a reached line changes.
    """
    reader = _Reader([_LIBRARY, *(_top(function) for function in functions)])
    found: dict = {}
    for function in functions:
        path = pathlib.Path(inspect.getsourcefile(function) or "")
        _reach(reader, reader.name_of(path), function.__qualname__.split(".")[0], found)
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]


_LIBRARY = pathlib.Path(__file__).parents[1]


def _top(function):
    """The folder that the function's top-level package, or its script, lies in."""
    folder = pathlib.Path(inspect.getsourcefile(function) or "").resolve().parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


class _Reader:
    """The modules below some folders as text: what each defines and what it imports."""

    def __init__(self, folders):
        self.folders = folders
        self.scope = functools.cache(self._scope)

    def path(self, module):
        """The file of a module of the project, or None."""
        for folder in self.folders:
            place = folder.joinpath(*module.split("."))
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if path.is_file():
                    return path
        return None

    def name_of(self, path):
        """The dotted name of a file of the project."""
        (folder,) = [f for f in self.folders if path.resolve().is_relative_to(f)][-1:]
        parts = path.resolve().relative_to(folder).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    def _scope(self, module):
        """{name: its defining statements, or the (module, name or "") that it is imported from}."""
        path = self.path(module)
        found: dict = {}
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in _statements(_stripped(ast.parse(path.read_text()))):
            found |= self.imports(node, package)
            for name in _defined(node):
                found.setdefault(name, []).append(node)
        return found

    def imports(self, node, package):
        """{name: (module, name or "")} that an import statement binds, of this project."""
        if isinstance(node, ast.Import):
            names = {a.asname or a.name.split(".")[0]: a for a in node.names}
            whole = {n: a.name if a.asname else n for n, a in names.items()}
            return {name: (module, "") for name, module in whole.items() if self.path(module)}
        if not isinstance(node, ast.ImportFrom):
            return {}
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        if not self.path(module):
            return {}
        return {a.asname or a.name: (module, a.name) for a in node.names}

    def meant(self, module, name):
        """(module, name) of what a module calls so, or (its submodule, "")."""
        inside = f"{module}.{name}"
        if name and self.path(inside) and name not in self.scope(module):
            return inside, ""
        return module, name


def _statements(node):
    """The statements of a module that run, those within if and try too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            if "TYPE_CHECKING" not in ast.unparse(getattr(child, "test", ast.Pass())):
                yield from _statements(child)
        elif isinstance(child, ast.stmt):
            yield child


def _defined(node):
    """The names that a statement defines or changes."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return {x.id for x in ast.walk(node) if isinstance(x, ast.Name) and _target(node, x)}
    return []


def _target(node, name):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(name is x for target in targets for x in ast.walk(target))


def _reach(reader, module, name, found):
    """Add (module, name) and all that its definition reaches to `found`."""
    module, name = reader.meant(module, name)
    if module.startswith(WITHOUT_NUMBERS) or (module, name) in found:
        return
    if not name:  # a module that is used whole
        found[module, name] = []
        for each in reader.scope(module):
            _reach(reader, module, each, found)
        return
    here = reader.scope(module).get(name, [])
    if isinstance(here, tuple):
        return _reach(reader, here[0], here[1], found)
    found[module, name] = [ast.dump(node) for node in here]
    for node in here:
        _follow(reader, module, node, found)


def _follow(reader, module, node, found):
    """Reach all that the names in a definition mean."""
    scope = dict(reader.scope(module))
    package = module if reader.path(module).name == "__init__.py" else module.rpartition(".")[0]
    for each in ast.walk(node):
        scope |= reader.imports(each, package)
    owners = {id(x.value) for x in ast.walk(node) if isinstance(x, ast.Attribute)}
    for each in ast.walk(node):
        if isinstance(each, (ast.Attribute, ast.Name)) and id(each) not in owners:
            parts = _parts(each)
            if parts and isinstance(scope.get(parts[0]), tuple):
                _reach_dotted(reader, scope[parts[0]], parts[1:], found)
            elif parts and parts[0] in scope:
                _reach(reader, module, parts[0], found)


def _parts(node):
    """The names of a dotted one like losses.logits.soft_targets; [] of another expression."""
    parts: list = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return [node.id, *parts] if isinstance(node, ast.Name) else []


def _reach_dotted(reader, start, parts, found):
    """Reach what follows an imported name, its modules passed through."""
    module, name = reader.meant(*start)
    for part in parts:
        if name:
            break
        module, name = reader.meant(module, part)
    _reach(reader, module, name, found)


def _stripped(tree):
    """A syntax tree without docstrings and without the annotations of functions."""
    for each in ast.walk(tree):
        body = getattr(each, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[:1] = [] if body[1:] else [ast.Pass()]
        if isinstance(each, (ast.FunctionDef, ast.arg)):
            setattr(each, "returns" if isinstance(each, ast.FunctionDef) else "annotation", None)
    return tree


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
