"""Commands that are killed, told to end, started twice, without room: the same goes on."""

import signal
import time

import disturbing
import jax.numpy as jnp
import numpy as np
import pytest
import small_experiment

from kd_jax import experiment
from kd_jax.runtime import ending
from kd_jax.storage import jsonl
from kd_jax.training import state as train_state

# Of each kind of moment, how many there are in an undisturbed run, at least; and seconds to wait
# then, so that some kills come in the middle of a write, and some when it is done.
MOMENTS = {
    "training": (9, 0.02),
    "checkpoint": (150, 0.004),
    "cache": (14, 0.002),
    "record": (4, 0.002),
    "any time": (1, 2.0),
}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """The records of a command that nobody disturbs."""
    return disturbing.finished(tmp_path_factory.mktemp("undisturbed") / "runs")


def drawn(kind, random):
    """A moment of a kind; half of the kills come before it, half a little later."""
    number, seconds = MOMENTS[kind]
    delay = random.uniform(0, seconds) * (kind == "any time" or random.integers(2))
    return disturbing.Strike(kind, random.integers(number) + 1, delay)


@pytest.mark.parametrize("each", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_runs_end_with_the_records_of_an_undisturbed_one(tmp_path, wanted, each):
    """By kill -9 at any moment; bitwise the same."""
    random, runs = np.random.default_rng(29), 0
    left = random.permutation(each * list(MOMENTS)).tolist()
    while left:
        workdir, kills = tmp_path / f"killed {runs}", 0
        while left and kills < 5:
            strike = drawn(left[-1], random)
            code, said = disturbing.ended(workdir, strike=strike, spread=each > 1)
            if code == 0:
                break
            assert code == -signal.SIGKILL, said
            kills += 1
            print(f"run {runs}: killed in {left.pop()}")
        found = disturbing.records(workdir) if code == 0 else disturbing.finished(workdir)
        assert found == wanted and not list(workdir.rglob("training*"))
        runs += 1


def test_a_command_that_is_told_to_end_saves_its_training(tmp_path, wanted):
    """In the last stretch of a few epochs of the first students, then of the second.

    The first of the commands is spread over devices, one for each core.
    """
    for number, signum, code in ((6, signal.SIGINT, 130), (3, signal.SIGTERM, 143)):
        strike = disturbing.Strike("training", number, signum=signum)
        found, said = disturbing.ended(tmp_path, strike=strike, spread=number == 6)
        assert found == code and "saving what was trained" in said
        assert said.splitlines()[-1] == "interrupted: the same command goes on where it was"
        assert list(tmp_path.glob(f"small/*/training*/{small_experiment.EPOCHS:09d}.seal"))
    assert disturbing.finished(tmp_path) == wanted


def test_a_second_command_is_refused_until_the_first_is_gone(tmp_path, wanted, capsys):
    """The first one is stopped while it writes its records, and then killed."""
    moment = disturbing.Strike("record", 2, signum=signal.SIGSTOP)
    first = disturbing.start(tmp_path, strike=moment)
    while not list(tmp_path.glob("small/*/records.jsonl.partial")):
        assert first.is_alive()
        time.sleep(0.05)
    line, code = refused(tmp_path)
    assert code == 2 and line.startswith("error: ") and "\n" not in line
    assert "is being written by another process: wait" in line
    assert capsys.readouterr() == ("", "")
    first.kill()
    first.join()
    assert disturbing.finished(tmp_path) == wanted


def refused(workdir):
    """(the line, the exit code) that a command ends with."""
    with pytest.raises(Exception) as error:
        disturbing.finished(workdir)
    return ending.of(error.value)


def test_without_room_one_line_says_so_and_the_same_command_goes_on(tmp_path, wanted):
    """Under limits of file sizes, as ulimit -f sets them."""
    for largest in (100, 1500):
        code, said = disturbing.ended(tmp_path, largest=largest)
        assert code == 2 and said.startswith("error: ") and said.count("\n") == 1, said
        assert "(File too large)" in said and "choose" in said
    assert disturbing.finished(tmp_path) == wanted


def test_a_workdir_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    line, code = refused(tmp_path / "file" / "runs")
    assert code == 2 and line.startswith("error: --workdir=") and "\n" not in line
    assert capsys.readouterr() == ("", "")


def test_a_network_that_diverges_is_marked_and_the_others_are_those_of_a_sound_run(
    tmp_path, wanted, monkeypatch
):
    """The second of the students of "squares", which are trained third, begins without weights."""

    members, calls = train_state.members, []

    def spoilt(*arguments):
        calls.append(arguments)
        state = members(*arguments)
        lost = state.params["w"].at[1].set(jnp.nan)
        return state._replace(params={"w": lost}) if len(calls) == 3 else state

    monkeypatch.setattr(train_state, "members", spoilt)
    config = small_experiment.Config(workdir=str(tmp_path))
    folder = experiment.perform("small", config, small_experiment.program).folder
    *sound, _ = wanted.splitlines()
    assert (folder / "records.jsonl").read_bytes().splitlines()[:3] == sound and len(sound) == 3
    assert len(jsonl.records(folder)) == 3
    (lost,) = jsonl.diverged(folder)
    assert (lost["row"], lost["seed"], lost["diverged"]) == ("squares", 1, 0)
    assert "- squares, seed 1, at step 0\n" in (folder / "table.md").read_text()
