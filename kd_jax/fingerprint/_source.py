"""Modules of a project as text: what each defines and what it imports. Nothing of them is run."""

import ast
import functools
import os
import pathlib
import threading
import time
from collections.abc import Sequence

from kd_jax.errors import require

LIBRARY = pathlib.Path(__file__).parents[1]
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
PYTHON = pathlib.Path(os.__file__).parent
BEGAN = time.time()  # what is loaded is older
PARSING = threading.Lock()  # Python counts how deep a tree is for all threads together, until 3.13


def installed(path: pathlib.Path) -> bool:
    """Whether a file is Python's or an installed package's: what it holds, its version says."""
    if path.is_relative_to(LIBRARY):
        return False
    packages = {"site-packages", "dist-packages"} & set(path.parts)
    return bool(packages) or path.is_relative_to(PYTHON)


def top(path: pathlib.Path) -> pathlib.Path:
    """The folder that the top-level package of a file, or the script, lies in."""
    folder = path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


class Reader:
    """The modules below some folders. Each is read once: later edits are not what is running."""

    def __init__(self, *folders: pathlib.Path):
        self.folders = folders
        self.path = functools.cache(self._path)
        self.tree = functools.cache(self._tree)
        self.scope = functools.cache(self._scope)

    def _path(self, module):
        """The file of a module of the project, or None."""
        for folder in self.folders:
            place = folder.joinpath(*module.split("."))
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if path.is_file() and not installed(path):
                    return path
        return None

    def package(self, module):
        """What relative imports of a module begin at."""
        return module if self.path(module).name == "__init__.py" else module.rpartition(".")[0]

    def name_of(self, path):
        """The dotted name of a file of the project."""
        (folder,) = [f for f in self.folders if path.is_relative_to(f)][-1:]
        parts = path.relative_to(folder).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    def text(self, module: str) -> bytes:
        """What a module of the project consists of.

        Raises:
            InputError: it was edited when an older version may have been loaded.
        """
        path = self.path(module)
        edited = BEGAN < path.stat().st_mtime <= time.time()
        require(
            not (edited and path.is_relative_to(LIBRARY.parent)),
            f"{path} was edited after this command began: give it again",
        )
        return path.read_bytes()

    def _tree(self, module):
        with PARSING:
            tree = ast.parse(self.text(module))
        return _stripped(tree)

    def _scope(self, module):
        """{name: [its statements, and the (module, name or "") that it is imported from]}."""
        found: dict = {}
        package = self.package(module)
        tree = self.tree(module)
        lazy = any(getattr(node, "name", "") == "__getattr__" for node in tree.body)
        for node in _statements(tree, lazy):
            for name, source in self.imports(node, package).items():
                found.setdefault(name, []).append(source)
            for name in _concerned(node):
                found.setdefault(name, []).append(node)
        for node in _statements(tree, lazy):
            for name in _decorated_by(node) & found.keys():
                found[name].append(node)
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
        if not self.path(module):  # it may be a folder of modules without __init__.py
            inside = {a.asname or a.name: f"{module}.{a.name}" for a in node.names}
            return {name: (place, "") for name, place in inside.items() if self.path(place)}
        if node.names[0].name == "*":
            return {name: (module, name) for name in self.scope(module)}
        return {a.asname or a.name: (module, a.name) for a in node.names}

    def meant(self, module, name):
        """(module, name) of what a module calls so, or (its submodule, "")."""
        inside = f"{module}.{name}"
        own = [(module, name)]  # what a package says that imports its submodules when asked
        if name and self.path(inside) and self.scope(module).get(name, own) == own:
            return inside, ""
        return module, name


def _statements(node, lazy):
    """The statements of a module that run, within if and try too; lazy: imports for types count."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            if lazy or "TYPE_CHECKING" not in ast.unparse(getattr(child, "test", ast.Pass())):
                yield from _statements(child, lazy)
        elif isinstance(child, ast.stmt):
            yield child


def _concerned(node):
    """The names that a statement of a module defines, or may change: f.defvjp(g), L.append(x)."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return []
    parts: Sequence[ast.AST] = [node]
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        parts = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {x.id for part in parts for x in ast.walk(part) if isinstance(x, ast.Name)}


def _decorated_by(node):
    """The names that may keep a definition by its decorators: @f.defjvp, @f.register."""
    return {
        x.id
        for decorator in getattr(node, "decorator_list", [])
        for x in ast.walk(decorator)
        if isinstance(x, ast.Name)
    }


def parts_of(node: ast.AST) -> list[str]:
    """The names of a dotted one like losses.logits.soft_targets; [] of another expression."""
    parts: list = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return [node.id, *parts] if isinstance(node, ast.Name) else []


def _stripped(tree):
    """A syntax tree without docstrings and without the annotations of functions."""
    for each in ast.walk(tree):
        if isinstance(each, DOCUMENTED) and ast.get_docstring(each, clean=False):
            each.body[:1] = [] if each.body[1:] else [ast.Pass()]
        if isinstance(each, (ast.FunctionDef, ast.arg)):
            setattr(each, "returns" if isinstance(each, ast.FunctionDef) else "annotation", None)
    return tree
