"""kill -9 at any moment: the same command ends with bitwise the same records."""

import signal

import disturbing
import numpy as np
import pytest

# Of each kind of moment, how many there are in an undisturbed run, at least; and seconds to wait
# then, so that some kills come in the middle of a write, and some when it is done.
MOMENTS = {
    "training": (9, 0.02),
    "checkpoint": (150, 0.004),
    "cache": (14, 0.002),
    "record": (4, 0.002),
    "any time": (1, 2.0),
}


def drawn(kind, random):
    """A moment of a kind; half of the kills come before it, half a little later."""
    number, seconds = MOMENTS[kind]
    delay = random.uniform(0, seconds) * (kind == "any time" or random.integers(2))
    return disturbing.Strike(kind, random.integers(number) + 1, delay)


@pytest.mark.parametrize("each", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_runs_end_with_the_records_of_an_undisturbed_one(tmp_path, each):
    wanted = disturbing.finished(tmp_path / "undisturbed")
    random, runs = np.random.default_rng(9), 0
    left = random.permutation(each * list(MOMENTS)).tolist()
    while left:
        workdir, kills = tmp_path / f"killed {runs}", 0
        while left and kills < 5:
            code, said = disturbing.ended(workdir, strike=drawn(left[-1], random))
            if code == 0:
                break
            assert code == -signal.SIGKILL, said
            kills += 1
            print(f"run {runs}: killed in {left.pop()}")
        found = disturbing.records(workdir) if code == 0 else disturbing.finished(workdir)
        assert found == wanted and not list(workdir.rglob("training*"))
        runs += 1
