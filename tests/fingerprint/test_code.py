"""Fingerprints of code: names are followed wherever they lead in a project."""

import importlib.util
import sys

import optax
import pytest

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.fingerprint import _code, _source
from kd_jax.fingerprint._source import Reader

SCRIPT = '''"""A script of one's own."""
import kd_jax as kd
from kd_jax import losses as terms
import helper
NUMBER = 3
if NUMBER:
    OTHER = 4
def run(config, run):
    """Run."""
    from kd_jax.training import samplers
    return terms.soft_targets, helper.weight(NUMBER), samplers.shuffled, kd.losses.hint
def unused():
    return OTHER
'''


def scripted(folder, text=SCRIPT, helper="def weight(x):\n    return x\n"):
    """The code's fingerprint of a script in a folder, with a module beside it."""
    (folder / "script.py").write_text(text)
    (folder / "helper.py").write_text(helper)
    _code.reader.cache_clear()  # as another process would begin
    spec = importlib.util.spec_from_file_location("script", folder / "script.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("helper", None)
    return fingerprint.code(module.run)


def test_a_script_of_ones_own_counts_with_what_lies_beside_it(tmp_path):
    base = scripted(tmp_path)
    assert scripted(tmp_path) == base
    assert scripted(tmp_path, SCRIPT.replace('"""Run."""', '"""Other words."""')) == base
    assert scripted(tmp_path, SCRIPT.replace("OTHER = 4", "OTHER = 5")) == base
    assert scripted(tmp_path, SCRIPT.replace("NUMBER = 3", "NUMBER = 5")) != base
    assert scripted(tmp_path, helper="def weight(x):\n    return x + 1\n") != base
    assert scripted(tmp_path, SCRIPT.replace("losses.hint", "losses.cross_entropy")) != base


MODULE_LAMBDA = lambda x: x  # noqa: E731
HOSTILE = """import functools
import kd_jax as kd
from helper import *
try:
    from helper import other
except ImportError:
    other = None
TABLE = {}
TABLE.update(rate=1)
for number in (1, 2):
    TABLE[number] = number
@TABLE.setdefault("added", []).append
def added():
    return 9
@functools.lru_cache
def unused():
    return 8
def run(config, run):
    return kd.functional, weight(TABLE), other
wrapped = functools.partial(run, 1)
"""


def test_what_changes_a_name_later_and_names_of_the_package_are_followed(tmp_path):
    helper = "def weight(x):\n    return x\ndef other():\n    return 1\n"
    base = scripted(tmp_path, HOSTILE, helper)
    assert scripted(tmp_path, HOSTILE.replace("rate=1", "rate=2"), helper) != base
    assert scripted(tmp_path, HOSTILE.replace("(1, 2)", "(1, 3)"), helper) != base
    assert scripted(tmp_path, HOSTILE.replace("return 9", "return 8"), helper) != base
    assert scripted(tmp_path, HOSTILE.replace("return 8", "return 7"), helper) == base
    assert scripted(tmp_path, HOSTILE, helper.replace("return x", "return 2 * x")) != base
    assert scripted(tmp_path, HOSTILE, helper.replace("return 1", "return 2")) != base
    assert scripted(tmp_path, HOSTILE.replace("kd.functional", "kd.Dataset"), helper) != base


def test_what_is_no_function_of_a_file_is_refused():
    names: dict = {}
    exec("def typed():\n    return 1\n", names)
    for function in (names["typed"], MODULE_LAMBDA, 3):
        with pytest.raises(InputError, match="is no function"):
            fingerprint.code(function)


def test_code_in_a_function_is_that_of_the_function_around_it():
    def one(x):
        return x + 1

    assert fingerprint.code(one) == fingerprint.code(
        test_code_in_a_function_is_that_of_the_function_around_it
    )


def test_modules_in_a_folder_without_an_init_file_are_followed(tmp_path):
    text = SCRIPT.replace("import helper", "from inner import helper, other as more")
    found = []
    for number in (1, 2):
        (tmp_path / "inner").mkdir(exist_ok=True)
        (tmp_path / "inner" / "helper.py").write_text(f"def weight(x):\n    return {number}\n")
        (tmp_path / "inner" / "other.py").write_text("")
        for name in ("inner", "inner.helper", "inner.other"):
            sys.modules.pop(name, None)
        found.append(scripted(tmp_path, text))
    assert found[0] != found[1]


def test_installed_packages_are_not_read(tmp_path):
    """Not even where kd_jax is installed beside them."""
    packages = tmp_path / "site-packages"
    for name in ("jax", "kd_jax"):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text("")
    assert Reader(packages).path("jax") is None
    with pytest.raises(InputError, match="is no function of a project's file"):
        fingerprint.code(optax.adam)


def test_what_was_edited_after_the_process_began_is_refused(monkeypatch):
    """The version that was loaded may be older than the one that is read."""
    fresh = _source.Reader(_source.LIBRARY.parent)
    assert b"def soft_targets" in fresh.text("kd_jax.losses.logits")
    monkeypatch.setattr(_source, "BEGAN", 0.0)
    with pytest.raises(InputError, match="logits.py was edited after this command began"):
        fresh.text("kd_jax.losses.logits")
