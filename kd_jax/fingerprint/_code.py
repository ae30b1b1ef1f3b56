"""The fingerprint of code: all that functions reach by name in a project, read as text."""

import ast
import functools
import hashlib
import inspect
import pathlib
from collections.abc import Callable, Sequence

from kd_jax.errors import require

# Packages that move bytes, show results or start programs: nothing in them changes a number.
WITHOUT_NUMBERS = tuple(
    f"kd_jax.{name}" for name in ("storage", "runtime", "report", "export", "experiment", "errors")
)


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
    reader, found = _Reader([_LIBRARY, *(_top(path) for path, _ in places)]), {}
    for path, name in places:
        module = reader.name_of(path)
        require(name in reader.scope(module), f"{name} of {path} is no function: expected a def")
        _define(reader, module, name, found)
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]


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
    require(path.is_file(), f"{name} is no function of a file: expected a def in a module")
    return path.resolve(), name


_LIBRARY = pathlib.Path(__file__).parents[2]


def _top(path):
    """The folder that the top-level package of a file, or the script, lies in."""
    folder = path.parent
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

    def package(self, module):
        """What relative imports of a module begin at."""
        return module if self.path(module).name == "__init__.py" else module.rpartition(".")[0]

    def name_of(self, path):
        """The dotted name of a file of the project."""
        (folder,) = [f for f in self.folders if path.resolve().is_relative_to(f)][-1:]
        parts = path.resolve().relative_to(folder).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    def _scope(self, module):
        """{name: [its statements, and the (module, name or "") that it is imported from]}."""
        path = self.path(module)
        found: dict = {}
        package = self.package(module)
        tree = _stripped(ast.parse(path.read_bytes()))
        lazy = any(getattr(node, "name", "") == "__getattr__" for node in tree.body)
        for node in _statements(tree, lazy):
            for name, source in self.imports(node, package).items():
                found.setdefault(name, []).append(source)
            for name in _concerned(node):
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
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return []
    parts: Sequence[ast.AST] = [node]
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        parts = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {x.id for part in parts for x in ast.walk(part) if isinstance(x, ast.Name)}


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
    _define(reader, module, name, found)


def _define(reader, module, name, found):
    """Add a name's definition and all that it reaches."""
    here = reader.scope(module).get(name, [])
    nodes = [x for x in here if isinstance(x, ast.AST)]
    found[module, name] = [ast.dump(node) for node in nodes]
    for source in here:
        if isinstance(source, tuple):
            _reach(reader, source[0], source[1], found)
    for node in nodes:
        _follow(reader, module, node, found)


def _follow(reader, module, node, found):
    """Reach all that the names in a definition mean."""
    scope = dict(reader.scope(module))
    package = reader.package(module)
    for each in ast.walk(node):
        inner = reader.imports(each, package) if isinstance(each, ast.stmt) else {}
        scope |= {name: [source] for name, source in inner.items()}
    owners = {id(x.value) for x in ast.walk(node) if isinstance(x, ast.Attribute)}
    for each in ast.walk(node):
        if isinstance(each, (ast.Attribute, ast.Name)) and id(each) not in owners:
            parts = _parts(each)
            for source in scope.get(parts[0], []) if parts else []:
                if isinstance(source, tuple):
                    _reach_dotted(reader, source, parts[1:], found)
                else:
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
        if isinstance(each, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            each
        ):
            each.body[:1] = [] if each.body[1:] else [ast.Pass()]
        if isinstance(each, (ast.FunctionDef, ast.arg)):
            setattr(each, "returns" if isinstance(each, ast.FunctionDef) else "annotation", None)
    return tree
