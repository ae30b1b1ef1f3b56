"""The rooms of the design: who imports whom, and that the README shows what the records say."""

import ast
import importlib
import json
import pathlib

import pytest

from kd_jax.errors import InputError
from kd_jax.report import publish

ROOT = pathlib.Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "kd_jax").rglob("*.py"))
EXPERIMENTS = sorted(p for p in (ROOT / "experiments").glob("*.py") if not p.stem.startswith("_"))
RECORDS = sorted((ROOT / "experiments" / "records").glob("*/records.jsonl"))


def imports(path):
    """Every module that a file imports, with `from a import b` as a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def importers_of(prefix, paths):
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if any(name == prefix or name.startswith(prefix + ".") for name in imports(path))
    }


def within(room):
    return [p for p in LIBRARY if p.relative_to(ROOT / "kd_jax").as_posix().startswith(room)]


@pytest.mark.parametrize("room", ["losses", "models", "augment.py"])
def test_losses_models_and_augmentation_stand_alone(room):
    own = f"kd_jax.{room.removesuffix('.py')}"
    for path in within(room):
        foreign = {n for n in imports(path) if n.startswith("kd_jax")} - {"kd_jax"}
        assert {n for n in foreign if not n.startswith(own)} == set(), path


def test_train_is_given_functions():
    for room in ("models", "losses", "data"):
        assert not importers_of(f"kd_jax.{room}", within("train.py"))


def test_one_room_each_knows_orbax_and_linen():
    assert importers_of("orbax", LIBRARY + EXPERIMENTS) == {"kd_jax/checkpoint.py"}
    linen = importers_of("flax.linen", LIBRARY + EXPERIMENTS)
    assert all(path.startswith("kd_jax/models/") for path in linen)


def test_nothing_imports_an_experiment():
    assert not importers_of("experiments", LIBRARY + EXPERIMENTS)


def test_reports_need_no_jax():
    assert not importers_of("jax", within("report"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_an_experiment_says_its_command_time_and_result(path):
    text = ast.get_docstring(ast.parse(path.read_text()))
    for word in ("Command:", "Takes:", "Expected:"):
        assert word in text


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: p.parent.name)
def test_committed_tables_come_from_their_records(path):
    name = json.loads((path.parent / "manifest.json").read_text())["experiment"]
    assert publish.name_of(path.parent) == path.parent.name
    try:
        experiment = importlib.import_module(f"experiments.{name}")
    except InputError as error:  # it needs packages of its own
        pytest.skip(str(error))
    assert experiment.table(path.parent) == (path.parent / "table.md").read_text()


def test_the_readme_shows_the_committed_tables():
    text = (ROOT / "README.md").read_text()
    assert publish.renewed(text) == text, "the tables of README.md are old: ./run.sh publish"
