"""A training that is cut goes on bitwise: killed, resumed, or in turns."""

import contextlib
import threading

import jax
import jax.numpy as jnp
import pytest
from small_training import EPOCHS, assert_same, fitted, saved, states, whole

from kd_jax.errors import InputError
from kd_jax.runtime import parallel
from kd_jax.runtime.execution import Execution
from kd_jax.storage import checkpoint
from kd_jax.storage.run_folder import Run


def test_a_resumed_run_is_bitwise_the_uninterrupted_one(tmp_path):
    for stop in (1, 5):

        class Killed(Exception):
            pass

        def killed_after(done, curves, stop=stop):
            if done >= stop:
                raise Killed

        execution = saved(tmp_path / str(stop), {"facts": 1})
        # fit reports before it saves, so a kill in the report loses that chunk
        with pytest.raises(Killed):
            fitted(report=killed_after, execution=execution)
        assert_same(fitted(execution=execution), whole())


@pytest.mark.parametrize("most, count", [(1, 2), (4, 3)])
def test_members_that_train_in_turns_are_those_that_train_together(most, count):
    done, execution = [], Execution(members_per_chunk=most)
    state, curves = fitted(count, report=lambda n, curves: done.append(n), execution=execution)
    together, expected = whole()
    assert_same(state, jax.tree.map(lambda x: x[:count], together), rtol=1e-5, atol=1e-6)
    expected = {name: values[:, :count] for name, values in expected.items()}
    assert_same(curves, expected, rtol=1e-5, atol=1e-6)
    assert done == sorted(done) and done[-1] == EPOCHS


def test_a_killed_training_in_turns_goes_on_with_the_piece_that_it_was_at(tmp_path):
    in_turns = Execution(members_per_chunk=2)  # two pieces of one seed with both arms
    uninterrupted = fitted(2, execution=in_turns)
    seen = []

    def killed_after(done, curves):
        seen.append(float(curves["loss"][done - 1, 0, 0]))
        if len(seen) == 5:  # chunks of 1, 2 and 3 epochs: the second piece's second
            raise KeyboardInterrupt

    snapshots = checkpoint.Snapshots(tmp_path, {"facts": 1}, every=0.0)
    execution = in_turns._replace(snapshots=snapshots)
    with pytest.raises(KeyboardInterrupt):
        fitted(2, report=killed_after, execution=execution)
    again = []
    resumed = fitted(2, execution=execution, report=lambda *args: again.append(1))
    assert_same(resumed, uninterrupted)
    assert len(again) <= 5  # of the second piece alone; both would be six or more


def test_what_was_told_to_stop_while_it_compiled_trains_no_epoch_for_nothing():
    told, trained = threading.Event(), []

    def job(item):
        if item == "fails":
            raise InputError("bad")
        with contextlib.suppress(parallel.Stopped):
            while True:
                parallel.check()
        try:
            fitted(report=lambda done, curves: trained.append(done))
        except parallel.Stopped:
            told.set()

    with pytest.raises(InputError, match="bad"):
        list(parallel.results(job, ["slow", "fails"], workers=2))
    assert told.is_set() and trained == []


def test_a_snapshot_of_other_facts_is_not_resumed(tmp_path):
    old = checkpoint.Snapshots(tmp_path, {"rate": 1}, every=0.0)
    fitted(execution=Execution(snapshots=old))
    assert old.restore((states(), {})) is None  # another structure
    begun = []
    found = fitted(execution=saved(tmp_path, {"rate": 2}), report=lambda n, curves: begun.append(n))
    assert begun[0] == 1  # not where the other ended
    assert_same(found, whole())


def test_a_training_of_a_run_finds_its_own_snapshot_and_no_other(tmp_path):
    run = Run(tmp_path, "demo", {}, {"data": "x"})
    snapshots = run.snapshots(part="all", seed=3)
    snapshots.every = 0
    snapshots.save(2, {"w": jnp.arange(3.0)})
    done, found = run.snapshots(part="all", seed=3).restore({"w": jnp.zeros(3)})
    assert done == 2 and found["w"].tolist() == [0, 1, 2]
    assert run.snapshots(part="all", seed=4).restore({"w": jnp.zeros(3)}) is None
