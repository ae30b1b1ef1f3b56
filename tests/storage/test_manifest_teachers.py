"""The manifest tells the truth of a run's teachers: who trained them, and for how long."""

import types

import jax
import numpy as np
import pytest
from begun_runs import begun, left, said

from kd_jax.storage import manifest, model_store

PARAMS = {"w": np.arange(3, dtype=np.float32)}


def asked(run, clock, took, dies=()):
    """The run's teacher, whose training takes so many seconds by the clock up to each snapshot."""

    def train(snapshots):
        for number, seconds in enumerate(took, 1):
            clock[0] += seconds
            snapshots.part("half").save(number, PARAMS)
            if number in dies:
                clock[0] += 1000  # for nothing: the next process begins at the snapshot
                raise KeyboardInterrupt
        clock[0] += 1
        return PARAMS

    return model_store.of_run(
        run, {"t": 1}, train, jax.eval_shape(lambda: PARAMS), row="teacher", data="digits"
    )


@pytest.fixture
def clock(monkeypatch):
    found = [50.0]
    monkeypatch.setattr(model_store, "time", types.SimpleNamespace(monotonic=lambda: found[0]))
    return found


def about(run):
    (found,) = said(run)["teachers"].values()
    assert found.pop("row") == "teacher" and found.pop("data") == "digits"
    return found


def test_a_manifest_tells_who_trained_a_teacher_and_how_long(tmp_path, clock):
    """It trained it, found it ready; trained it and was killed after that; was given half of it."""
    first = begun(tmp_path, x=1)
    found = asked(first, clock, [20, 30])
    assert about(first) == {"restored": False, "ready": 0.0, "seconds": 51.0}
    assert list(said(first)["teachers"]) == [found.fingerprint]
    again = begun(tmp_path, x=2)
    asked(again, clock, [])
    assert about(again) == {"restored": True, "ready": 51.0, "seconds": 51.0}
    resumed = begun(tmp_path, x=1) if left(first) else None
    asked(resumed, clock, [])
    assert about(resumed) == {"restored": False, "ready": 0.0, "seconds": 51.0}


def test_seconds_of_a_teacher_are_those_of_all_who_trained_it(tmp_path, clock):
    killed = begun(tmp_path, x=1)
    with pytest.raises(KeyboardInterrupt):
        asked(killed, clock, [20, 30], dies=[2])
    assert about(killed) == {"restored": False, "ready": 0.0}
    other = begun(tmp_path, x=2)
    found = asked(other, clock, [7])
    assert found.seconds == 20 + 30 + 7 + 1 and not found.restored
    assert about(other) == {"restored": False, "ready": 50.0, "seconds": 58.0}
    resumed = begun(tmp_path, x=1) if left(killed) else None
    assert asked(resumed, clock, []).seconds == 58
    assert about(resumed) == {"restored": False, "ready": 0.0, "seconds": 58.0}
    resumed.retrain = True
    assert asked(resumed, clock, [5]).seconds == 6


def test_what_teachers_took_before_a_run_asked_for_them():
    teachers = {
        "a": {"restored": True, "ready": 8.5, "seconds": 8.5},
        "b": {"ready": 2, "seconds": 9},
    }
    assert manifest.ready_seconds({"teachers": teachers}) == 10.5
    older = {"a": {"row": "teacher", "seconds": 8.5}}
    for unknown in ({}, {"teachers": older}, {"teachers": "f1 f2"}, {"teachers": {"a": "f1"}}):
        assert manifest.ready_seconds(unknown) == 0
