"""The event files of a run hold its curves and records, and are written only when wanted."""

import numpy as np
from event_files import scalars

from kd_jax.storage import run_folder


def test_curves_and_records_are_scalars(tmp_path):
    here = run_folder.Run(tmp_path, "some", {}, tensorboard=True)
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
