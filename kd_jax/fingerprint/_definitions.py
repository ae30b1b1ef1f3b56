"""What functions and classes are known by: their code, or their names in installed packages."""

import inspect
import operator
import pathlib
import sys
import types
from typing import Any

from kd_jax.errors import require
from kd_jax.fingerprint import _code, _source


def installed_name(x: Any) -> tuple | None:
    """(module, name, version) of what an installed package calls so, or None."""
    module, name = getattr(x, "__module__", None), getattr(x, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str) and module in sys.modules):
        return None
    try:
        found = operator.attrgetter(name)(sys.modules[module])
    except AttributeError:  # it stands within a function
        return None
    version = _version(module, _file(module), x) if found is x else None
    return None if version is None else (module, name, version)


def of_module(x: types.ModuleType) -> tuple:
    """What it is known by.

    Raises:
        InputError: it is neither of a file nor of an installed package.
    """
    file = _file(x.__name__)
    version = _version(x.__name__, file, x)
    if version is None:
        return (_code.module(pathlib.Path(file).resolve()),)
    return x.__name__, version


def of_function(x: types.FunctionType) -> tuple[tuple, tuple]:
    """(what it is known by, the values that it holds).

    Raises:
        InputError: it is neither of a file nor of an installed package.
    """
    code, module = x.__code__, x.__globals__.get("__name__", "")
    version = _version(module, code.co_filename, x)
    if version is None:
        name: tuple = (_code.definition(pathlib.Path(code.co_filename).resolve(), code),)
    else:
        name = module, version, code.co_firstlineno  # as one may hold several lambdas
        if "<locals>" not in code.co_qualname:
            return (code.co_qualname, *name), ()
    cells = [_content(cell) for cell in x.__closure__ or ()]
    return (code.co_qualname, *name), (cells, x.__defaults__, x.__kwdefaults__)


def of_class(x: type) -> tuple[tuple, tuple]:
    """(what it is known by, the values that it holds, if it stands within a function).

    Raises:
        InputError: it is neither of a file nor of an installed package.
    """
    version = _version(x.__module__, _file(x.__module__), x)
    name = (_code.code(x),) if version is None else (x.__module__, version)
    held = (x.__bases__, _members(x)) if "<locals>" in x.__qualname__ else ()
    return (x.__qualname__, *name), held


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # a name that nothing was given yet
        return None


def _members(x):
    """Methods of a class, which may hold values of the function around it, and attributes."""
    found = {}
    for name, each in vars(x).items():
        each = getattr(each, "__func__", getattr(each, "fget", each))
        if isinstance(each, types.FunctionType):
            innermost = getattr(inspect.unwrap(each), "__code__", None)
            if (
                innermost and pathlib.Path(innermost.co_filename).is_file()
            ):  # not what a dataclass generates
                found[name] = each
        elif not name.startswith("__") and _is_data(each):
            found[name] = each
    return found


def _is_data(x):
    """Whether it is a number, text or array, or a container of such."""
    if isinstance(x, (list, tuple, dict)):
        return all(map(_is_data, x.values() if isinstance(x, dict) else x))
    return x is None or isinstance(x, (bool, int, float, complex, str)) or hasattr(x, "dtype")


def _file(module):
    return getattr(sys.modules.get(module), "__file__", None) or ""


def _version(module, file, x):
    """The version of the installed package that a file is of, or None for one of the project."""
    path = pathlib.Path(file)
    if path.suffix == ".py" and path.is_file() and not _source.installed(path):
        return None
    package = sys.modules.get(module.split(".")[0])
    origin = getattr(getattr(package, "__spec__", None), "origin", None) or ""
    require(
        origin in ("built-in", "frozen") or _source.installed(pathlib.Path(origin)),
        f"{getattr(x, '__qualname__', x)} is of no .py file, so it has no fingerprint: "
        "write it into one with def",
    )
    return str(getattr(package, "__version__", ""))
