"""Settings, records and commands of a run that is published are of one run."""

import dataclasses
import json
import types

import pytest
from small_repository import committed, finished, repository

from kd_jax import experiment
from kd_jax.errors import InputError, at_least
from kd_jax.report.publishing import contradictions, modules, publish
from kd_jax.storage import jsonl


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of the small experiment."""

    width: int = experiment.setting(10, "units", at_least(1))
    widths: tuple[int, ...] = experiment.setting((4, 8), "units")
    quick: bool = experiment.setting(False, "few steps")

    PRESETS = {"default": {}, "wide": {"width": 20}}


SETTINGS = Config(base_seed=1).results_key()
RECORD = {"row": "a", "seed": 0, "base_seed": 1, "experiment": "small"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    module = types.SimpleNamespace(Config=Config)
    monkeypatch.setattr(modules, "of", lambda folder, name: module if name == "config" else None)
    return repository(tmp_path / "clone")


def run_of(root, flags="--base_seed=1", records=(RECORD,), **settings):
    """A finished run of a command, records and settings; a setting of None is left out."""
    number = len([*root.glob("runs/*")])
    run, said = finished(root, flags=flags, name=str(number)), {**SETTINGS, **settings}
    kept = {name: value for name, value in said.items() if value is not None}
    (run / "config.json").write_text(json.dumps(kept))
    (run / "records.jsonl").write_text(jsonl.text(list(records)))
    return run


def said(root, run):
    """Why the run is refused."""
    with pytest.raises(InputError, match="contradicts itself: .*; run it again$") as refused:
        publish.publish(run, root=root)
    assert not (root / "experiments/small/records").exists()
    return str(refused.value).partition("contradicts itself: ")[2].removesuffix("; run it again")


@pytest.mark.parametrize(
    "flags, settings",
    [
        ("--base_seed=1", {}),
        ("--base_seed=2 --base_seed 1", {}),  # as reproduce gives it: the last one counts
        ("--base_seed=1 --width=10 --noquick --workdir=w --out=x", {}),
        ("--base_seed=1 --widths=4,8", {"widths": [4, 8]}),
        ("--base_seed=1 --preset=wide", {"preset": "wide", "width": 20}),
        ("--base_seed=1", {"width": None}),  # of before there was such a setting
        ("--base_seed=1", {"height": "of an earlier version"}),
    ],
)
def test_what_agrees_is_no_contradiction(root, flags, settings):
    run = run_of(root, flags, **settings)
    assert contradictions.found(run, root / "experiments/small") == ""


@pytest.mark.parametrize("name, other", [("base_seed", 2), ("experiment", "people")])
def test_a_record_of_another_run_is_named(root, name, other):
    line = said(root, run_of(root, records=[RECORD, {**RECORD, "seed": 1, name: other}]))
    assert line.startswith(f"a record is of {name} {other}, ")


def test_records_of_before_they_told_a_base_seed_contradict_nothing(root):
    run = run_of(root, records=[{"row": "a", "seed": 0}])
    assert publish.publish(run, root=root).name == "records"


def test_another_base_seed_in_the_settings_contradicts_records_and_command(root):
    line = said(root, run_of(root, base_seed=2))
    assert line == "a record is of base_seed 1, config.json of 2"
    line = said(root, run_of(root, records=[{"row": "a", "seed": 0}], base_seed=2))
    assert line == "config.json has base_seed 2, its command asks for 1"
    line = said(root, run_of(root, flags="--seeds=5", records=[{"row": "a", "seed": 0}]))
    assert line == "config.json has base_seed 1, its command asks for 0"


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"width": "10"}, "--width='10': expected a whole number"),
        ({"width": 0}, "--width=0: expected at least 1"),
        ({"quick": 1}, "--quick=1: expected True or False"),
        ({"widths": [4, None]}, "--widths=None: expected a whole number"),
        ({"seeds": {}}, "--seeds={}: expected a whole number"),
    ],
)
def test_settings_that_the_experiment_refuses_are_named(root, settings, expected):
    assert expected in said(root, run_of(root, **settings))


def test_a_setting_that_no_flag_gives_is_that_of_the_code(root):
    assert said(root, run_of(root, width=11)) == "config.json has width 11, its command asks for 10"


def test_values_by_default_may_have_changed_with_the_code(root):
    run = run_of(root, width=11)
    (root / "experiments/small/config.py").write_text("width = 10")
    committed(root)
    assert contradictions.found(run, root / "experiments/small") == ""
    run = run_of(root, flags="--base_seed=1 --width=12", width=11)
    (root / "experiments/small/config.py").write_text("width = 9")
    committed(root)
    assert said(root, run) == "config.json has width 11, its command asks for 12"


@pytest.mark.parametrize("command", ["./run.sh people --base_seed=1", "", "./run.sh"])
def test_a_command_of_another_experiment_is_named(root, command):
    run = run_of(root)
    path = run / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "command": command}))
    assert said(root, run).startswith("manifest.json is of small and has a command of ")
