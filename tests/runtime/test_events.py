"""Curves and records go to event files and to Weights & Biases, only where that is wanted."""

import sys

import numpy as np
import pytest
from event_files import scalars

from kd_jax import errors, experiment
from kd_jax.errors import InputError
from kd_jax.runtime import events
from kd_jax.storage import run_folder


def test_curves_and_records_are_scalars(tmp_path):
    here = run_folder.Run(tmp_path, "some", {}, log=("tensorboard",))
    curves = {"loss": np.array([[1.0, 3.0], [0.5, 0.5], [9.0, 9.0]])}
    assert here.folder.is_dir()  # events are written from its opening on
    here.execution.events.of_training("2 students", curves, 0, 2)
    here.append([{"row": "a", "part": "p", "seed": 3, "test_errors": 7, "names": ["x"]}])
    found = scalars(here.folder)
    assert found["2_students/loss"] == {1: 2.0, 2: 0.5}
    assert found["p/a/test_errors"] == {3: 7.0}
    assert len(found) == 2


def test_nothing_is_written_unless_wanted(tmp_path):
    here = run_folder.Run(tmp_path, "some", {})
    here.append([{"row": "a", "seed": 0, "x": 1}])
    assert not list(here.folder.glob("events*"))


class Told:
    """The run of a package wandb that keeps what it is told."""

    def __init__(self):
        self.began, self.logged, self.metrics = {}, [], {}

    def init(self, **about):
        self.began = about
        return self

    def define_metric(self, name, step_metric):
        self.metrics[name] = step_metric

    def log(self, scalars):
        self.logged.append(scalars)


def test_weights_and_biases_gets_settings_and_scalars_with_their_own_steps(tmp_path, monkeypatch):
    told = Told()
    monkeypatch.setitem(sys.modules, "wandb", told)
    here = run_folder.Run(tmp_path, "some", {"width": 3}, log=("wandb",))
    name = f"some/{here.folder.name}"
    here.execution.events.of_training("students", {"loss": np.array([[4.0, 2.0]])}, 0, 1)
    here.append([{"row": "a", "seed": 5, "test_errors": 7}])
    assert told.began["config"] == {"width": 3} and told.began["name"] == name
    assert told.began["project"] == "kd_jax" and told.metrics == {"*": "step"}
    assert told.logged == [{"students/loss": 3.0, "step": 1}, {"a/test_errors": 7.0, "step": 5}]


def test_an_unknown_place_is_refused_and_a_missing_package_named(monkeypatch):
    with pytest.raises(InputError, match="--log=wandbb: expected one of tensorboard, wandb"):
        experiment.parse(experiment.Config, ["x", "--log=wandbb"])
    monkeypatch.setattr(errors.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"the package wandb is not installed: .*kd_jax\[log\]"):
        events.check(["wandb"])
