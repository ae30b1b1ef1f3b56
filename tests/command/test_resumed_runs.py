"""A command that is interrupted while it trains goes on, with bitwise the same records."""

import pytest
import tiny_runs

from kd_jax.runtime import ending, signals
from kd_jax.storage import checkpoint
from kd_jax.training import loop

# two programs, one after the other
GIVEN = {"methods": ("labels", "logit_matching"), "epochs": 6}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("resumed")
    tiny_runs.write(found)
    return found


@pytest.fixture(scope="module")
def wanted(folder):
    """The records of a run that nobody disturbs."""
    given = tiny_runs.config(folder, **GIVEN, workdir=str(folder / "undisturbed"))
    return (tiny_runs.finished(given) / "records.jsonl").read_bytes()


@pytest.fixture
def interrupted(monkeypatch):
    """A function that runs a command until so many stretches of epochs are trained."""
    advance, begin = loop.Training.advance, checkpoint.Snapshots.__init__

    def often(self, folder, facts, every=0.0):
        begin(self, folder, facts, 0.0)

    def until(stretches, config):
        done = []

        def counted(training, stop):
            if len(done) == stretches:
                raise signals.Interrupted(2)
            done.append(stop)
            advance(training, stop)

        with monkeypatch.context() as replaced:
            replaced.setattr(loop.Training, "advance", counted)
            replaced.setattr(checkpoint.Snapshots, "__init__", often)
            with pytest.raises(signals.Interrupted) as error:
                tiny_runs.finished(config)
        return done, ending.of(error.value)

    return until


def test_a_run_goes_on_where_it_was(folder, wanted, interrupted):
    """Interrupted among the first students, then among those of the second program."""
    given = tiny_runs.config(folder, **GIVEN, workdir=str(folder / "runs"))
    first, (line, code) = interrupted(1, given)
    assert "interrupted: the same command goes on where it was" in line and code == 130
    second, _ = interrupted(4, given)
    (run,) = (folder / "runs" / "distill").iterdir()
    assert second[0] > first[0]  # not from the beginning
    assert list(run.glob("training*"))
    whole = [line for line in wanted.splitlines() if b"logit matching" not in line]
    assert (run / "records.jsonl").read_bytes().splitlines() == whole
    found = tiny_runs.finished(given)
    assert found == run and (run / "records.jsonl").read_bytes() == wanted
    assert not list(run.glob("training*"))
    assert len(tiny_runs.calls(folder)) == 8  # once for each workdir
