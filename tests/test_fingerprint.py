"""Fingerprints of code: every edit that changes a number changes them, no other edit does."""

import importlib.util
import pathlib
import shutil
import sys

import jax
import pytest

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.fingerprint import _code

ROOT = pathlib.Path(__file__).parents[1]
TEACHER, STUDENTS = "teacher_recipe", "train_students"
# (function of the quickstart, file, text, what takes its place)
RESULTS = [
    (TEACHER, "experiments/quickstart/run.py", "dropout=0.5", "dropout=0.4"),
    (TEACHER, "experiments/quickstart/run.py", "PERMUTATION_SEED = 1", "PERMUTATION_SEED = 7"),
    (TEACHER, "experiments/quickstart/run.py", "2e-3, config", "3e-3, config"),
    (TEACHER, "kd_jax/models/mlp.py", "nn.relu", "nn.tanh"),
    (TEACHER, "kd_jax/models/mlp.py", "of_x, lax.dot_general(x", "of_x, 2 * lax.dot_general(x"),
    (TEACHER, "kd_jax/models/functional.py", "jnp.zeros((1", "jnp.ones((1"),
    (TEACHER, "kd_jax/data/augment.py", "jnp.", "np."),
    (TEACHER, "kd_jax/training/optimizers.py", "cosine_decay_schedule", "linear_schedule"),
    (TEACHER, "kd_jax/training/samplers.py", "fold_in(key, seed)", "fold_in(key, seed + 1)"),
    (STUDENTS, "experiments/quickstart/rows.py", '"permuted teacher"', '"shuffled teacher"'),
    (STUDENTS, "experiments/quickstart/run.py", "np.flatnonzero", "np.nonzero"),
    (STUDENTS, "kd_jax/losses/_math.py", "* (log_p - log_q)", "* (log_q - log_p)"),
    (STUDENTS, "kd_jax/losses/logits.py", "temperature**2", "temperature"),
    (STUDENTS, "kd_jax/training/state.py", "state.step + 1", "state.step + 2"),
    (STUDENTS, "kd_jax/training/loop.py", "m, axis=0", "m, axis=-1"),
    (STUDENTS, "kd_jax/distill/students.py", '* soft +', '* soft -'),
    (STUDENTS, "kd_jax/distill/controls.py", "axis=1)", "axis=0)"),
    (STUDENTS, "kd_jax/metrics/classification.py", '"errors": wrong', '"errors": wrong + 1'),
]  # fmt: skip
OTHERS = [
    ("a docstring", "kd_jax/distill/students.py", "One row of a table, trained", "A row, trained"),
    ("a comment", "kd_jax/training/state.py", "  # that is not forgotten", ""),
    ("an annotation", "kd_jax/distill/students.py", "label: str | None = None", "label=None"),
    ("a table's header", "experiments/quickstart/report.py", "verdict", "decision"),
    ("the progress bar", "kd_jax/runtime/progress.py", "mininterval=0.1", "mininterval=0.2"),
    ("another experiment", "experiments/people/run.py", "soft_weight=1.0", "soft_weight=2.0"),
    ("where checkpoints lie", "kd_jax/storage/checkpoint.py", "09d", "08d"),
]


@pytest.fixture
def tree(tmp_path):
    """A copy of the project's code."""
    for name in ("kd_jax", "experiments"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("records", "records_*")
        )
    return tmp_path


def digest(tree, function):
    """The fingerprint of a function of the quickstart, read from a copy of the project."""
    reader = _code._Reader([tree])
    found = {}
    _code._reach(reader, "experiments.quickstart.run", function, found)
    return fingerprint.of([[*name, text] for name, text in sorted(found.items())])


def edited(tree, file, old, new):
    path = tree / file
    text = path.read_text()
    assert old in text, f"{file} no longer holds {old}"
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("function, file, old, new", RESULTS)
def test_an_edit_that_changes_results_changes_the_digest(tree, function, file, old, new):
    before = digest(tree, function)
    edited(tree, file, old, new)
    assert digest(tree, function) != before


def test_an_edit_that_changes_no_result_does_not(tree):
    before = [digest(tree, function) for function in (TEACHER, STUDENTS)]
    for what, file, old, new in OTHERS:
        edited(tree, file, old, new)
        assert [digest(tree, function) for function in (TEACHER, STUDENTS)] == before, what


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
def run(config, run):
    return kd.functional, weight(TABLE), other
wrapped = functools.partial(run, 1)
"""


def test_what_changes_a_name_later_and_names_of_the_package_are_followed(tmp_path):
    helper = "def weight(x):\n    return x\ndef other():\n    return 1\n"
    base = scripted(tmp_path, HOSTILE, helper)
    assert scripted(tmp_path, HOSTILE.replace("rate=1", "rate=2"), helper) != base
    assert scripted(tmp_path, HOSTILE.replace("(1, 2)", "(1, 3)"), helper) != base
    assert scripted(tmp_path, HOSTILE, helper.replace("return x", "return 2 * x")) != base
    assert scripted(tmp_path, HOSTILE, helper.replace("return 1", "return 2")) != base
    assert scripted(tmp_path, HOSTILE.replace("kd.functional", "kd.Dataset"), helper) != base


def test_what_is_no_function_of_a_file_is_refused():
    names: dict = {}
    exec("def typed():\n    return 1\n", names)
    for function in (names["typed"], MODULE_LAMBDA, 3):
        with pytest.raises(InputError, match="is no function"):
            fingerprint.code(function)


def test_options_that_change_numbers_count_where_they_are_set():
    assert fingerprint.numerics() == {}
    with jax.enable_x64(True):
        assert fingerprint.numerics() == {"jax_enable_x64": True}
    with jax.default_matmul_precision("float32"):
        assert fingerprint.numerics() == {"jax_default_matmul_precision": "float32"}


def test_code_in_a_function_is_that_of_the_function_around_it():
    def one(x):
        return x + 1

    assert fingerprint.code(one) == fingerprint.code(
        test_code_in_a_function_is_that_of_the_function_around_it
    )
