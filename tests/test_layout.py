"""The layout: which package imports which, and what every experiment's folder holds."""

import ast
import functools
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

from kd_jax.errors import InputError
from kd_jax.report.publishing import publish, publishable

ROOT = pathlib.Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "kd_jax").rglob("*.py"))
EXPERIMENTS = sorted((ROOT / "experiments").rglob("*.py"))
PACKAGES = sorted((ROOT / "experiments").glob("*/__init__.py"))
RECORDS = publish.all_records()
# what each package of kd_jax may import of it, besides itself
MAY_IMPORT = {
    "errors": [],
    "arguments": ["errors"],
    "paths": ["errors"],
    "streams": ["errors"],
    "losses": ["errors"],
    "models": ["errors"],
    "metrics": ["losses", "errors"],
    "fingerprint": ["errors"],
    "data": ["arguments", "paths", "errors", "fingerprint"],
    "runtime": ["paths", "errors"],
    "training": ["runtime", "errors"],
    "storage": ["runtime", "fingerprint", "errors"],
    "pretrained": [
        "models", "data", "losses", "runtime", "training", "fingerprint", "export.folders", "paths",
        "errors",
    ],
    "distill": [
        "losses", "models", "metrics", "data", "training", "storage", "runtime", "fingerprint",
        "report", "export", "arguments", "paths", "errors",
    ],
    "language": [
        "losses", "models", "metrics", "data", "pretrained", "training", "storage", "runtime",
        "fingerprint", "report", "export.hub", "export.folders", "arguments", "paths", "errors",
    ],
    "report": [
        "metrics", "storage.jsonl", "storage.manifest", "storage.commits", "storage.whole_file",
        "storage.kept", "storage.digits", "experiment", "streams", "errors",
    ],
    "export": ["models", "metrics", "data", "storage", "fingerprint", "paths", "errors"],
    "experiment": ["runtime", "storage", "arguments", "paths", "errors"],
    "command": [
        "losses", "models", "metrics", "data", "runtime", "training", "storage", "distill",
        "export", "report", "experiment", "fingerprint", "arguments", "paths", "streams",
        "errors", "pretrained", "language",
    ],
}  # fmt: skip
OWNERS = {  # of packages that one place alone may import
    "absl.flags": ("kd_jax/experiment/",),
    "flax.linen": ("kd_jax/models/",),
    "orbax": ("kd_jax/storage/checkpoint.py",),
    "matplotlib": ("kd_jax/report/",),
}


@functools.cache
def imports(path):
    """Every module that a file imports, with `from a import b` as a.b."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def below(name, prefix):
    """Whether a dotted name is the prefix or within it."""
    return name == prefix or name.startswith(prefix + ".")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_a_module_imports_only_what_its_package_may(path):
    package = path.relative_to(ROOT / "kd_jax").parts[0].removesuffix(".py")
    if package == "__init__":
        return
    found = imports(path) - {"kd_jax.__version__"}
    own = [name.removeprefix("kd_jax.") for name in found if below(name, "kd_jax")]
    allowed = [package, *MAY_IMPORT[package]]
    assert [x for x in own if not any(below(x, a) for a in allowed)] == []


def test_the_page_of_the_layout_says_what_may_import_what():
    """Its table is this one; small modules beside the packages are named above it, once for all."""
    small = {"errors", "arguments", "paths", "streams"}
    page = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    assert all(f"`{name}.py`" in page for name in small)
    said = {}
    for line in page.split("## What may import what")[1].splitlines()[4:]:
        if not line.startswith("|"):
            break
        packages, allowed = [re.sub(r"\(.*?\)|;.*", "", x) for x in line.strip("| ").split(" | ")]
        for package in packages.split(", "):
            said[package] = {x.strip() for x in allowed.split(",")} - {"–"}
    wanted = {name: set(allowed) - small for name, allowed in MAY_IMPORT.items()}
    assert said.pop("command") == {"all"} and said.pop("experiments/NAME")
    assert said == {name: x for name, x in wanted.items() if name not in {*small, "command"}}


@pytest.mark.parametrize("module", OWNERS)
def test_one_place_each_imports_what_it_wraps(module):
    importers = {name_of(p) for p in LIBRARY if any(below(x, module) for x in imports(p))}
    assert importers and {p for p in importers if not p.startswith(OWNERS[module])} == set()


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name_of)
def test_an_experiment_imports_no_other_and_linen_and_orbax_through_the_library(path):
    own = path.relative_to(ROOT).parts[1]
    found = imports(path)
    others = {x for x in found if below(x, "experiments") and not below(x, f"experiments.{own}")}
    assert others <= ({"experiments.listing"} if own == "__main__.py" else set())
    assert not any(below(x, f"experiments.{own}.report") for x in found)  # the launcher alone does
    assert not any(below(x, "flax.linen") or below(x, "orbax") for x in found)


def test_the_library_imports_no_experiment():
    assert [p for p in LIBRARY if any(below(x, "experiments") for x in imports(p))] == []


def test_reports_need_no_jax():
    modules = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts)
        for p in LIBRARY
        if "report" in p.parts[-3:-1] and p.stem != "__init__"
    ]
    code = "import sys; sys.modules['jax'] = None; import " + ", ".join(modules)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("path", PACKAGES, ids=lambda p: p.parent.name)
def test_an_experiment_says_its_command_time_and_result(path):
    text = ast.get_docstring(ast.parse(path.read_text()))
    for word in ("Command:", "Takes:", "Found:"):
        assert word in text


@pytest.mark.parametrize("name", RECORDS)
def test_committed_tables_come_from_their_records(name):
    experiment, _ = publishable.experiment_and_preset(RECORDS[name])
    try:
        report = importlib.import_module(f"experiments.{experiment}.report")
    except InputError as error:  # it needs packages of its own
        pytest.skip(str(error))
    assert report.table(RECORDS[name]) == (RECORDS[name] / "table.md").read_text()
