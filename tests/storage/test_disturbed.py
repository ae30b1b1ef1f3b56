"""Commands that are told to end, started twice or without room: one line, and the same goes on."""

import signal
import time

import disturbing
import jax.numpy as jnp
import pytest
import small_experiment

from kd_jax import experiment
from kd_jax.storage import jsonl
from kd_jax.training import state as train_state


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """The records of a command that nobody disturbs."""
    return disturbing.finished(tmp_path_factory.mktemp("undisturbed") / "runs")


@pytest.mark.parametrize("signum, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_told_to_end_saves_its_training(tmp_path, wanted, signum, code):
    """In the sixth stretch of a few epochs, the last of the first students."""
    strike = disturbing.Strike("training", 6, signum=signum)
    found, said = disturbing.ended(tmp_path, strike=strike)
    assert found == code and "saving what was trained" in said
    assert said.splitlines()[-1] == "interrupted: the same command goes on where it was"
    assert list(tmp_path.glob(f"small/*/training*/{small_experiment.EPOCHS:09d}.seal"))
    assert disturbing.finished(tmp_path) == wanted


def test_a_second_command_is_refused_until_the_first_is_gone(tmp_path, wanted):
    """The first one is stopped while it writes its records, and then killed."""
    moment = disturbing.Strike("record", 2, signum=signal.SIGSTOP)
    first = disturbing.start(tmp_path, strike=moment)
    while not list(tmp_path.glob("small/*/records.jsonl.partial")):
        assert first.is_alive()
        time.sleep(0.05)
    code, said = disturbing.ended(tmp_path)
    assert code == 2 and said.count("\n") == 1
    assert said.startswith("error: ") and "is being written by another process: wait" in said
    first.kill()
    first.join()
    assert disturbing.finished(tmp_path) == wanted


def test_without_room_one_line_says_so_and_the_same_command_goes_on(tmp_path, wanted):
    """Under limits of file sizes, as ulimit -f sets them."""
    for largest in (100, 1500):
        code, said = disturbing.ended(tmp_path, largest=largest)
        assert code == 2 and said.startswith("error: ") and said.count("\n") == 1, said
        assert "(File too large)" in said and "choose" in said
    assert disturbing.finished(tmp_path) == wanted


def test_a_workdir_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    code, said = disturbing.ended(tmp_path / "file" / "runs")
    assert code == 2 and said.startswith("error: --workdir=") and said.count("\n") == 1


def test_a_network_that_diverges_is_marked_and_the_others_are_those_of_a_sound_run(
    tmp_path, monkeypatch
):
    """The second of the students of "squares", which are trained third, begins without weights."""

    def run(name):
        config = small_experiment.Config(workdir=str(tmp_path / name))
        return experiment.perform("small", config, small_experiment.program).folder

    sound, members, calls = jsonl.records(run("sound")), train_state.members, []

    def spoilt(*arguments):
        calls.append(arguments)
        state = members(*arguments)
        lost = state.params["w"].at[1].set(jnp.nan)
        return state._replace(params={"w": lost}) if len(calls) == 3 else state

    monkeypatch.setattr(train_state, "members", spoilt)
    folder = run("spoilt")
    assert jsonl.records(folder) == sound[:3] and len(sound) == 4
    (lost,) = jsonl.diverged(folder)
    assert (lost["row"], lost["seed"], lost["diverged"]) == ("squares", 1, 0)
    assert "- squares, seed 1, at step 0\n" in (folder / "table.md").read_text()
