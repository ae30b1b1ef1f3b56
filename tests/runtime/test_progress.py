"""A bar counts whole units as such and parts of them with a digit; curves are written once."""

import numpy as np
import pytest

from kd_jax.runtime import progress


class Events:
    """What curves are written to: the epochs of each call."""

    def __init__(self):
        self.epochs = []

    def of_training(self, label, curves, first, last):
        self.epochs.append((first, last))


def test_parts_of_an_epoch_move_the_bar_and_wholes_show_the_loss(capfd, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    events, curves = Events(), {"loss": np.array([0.5, 0.25])}
    with progress.bar("mine", 2, events=events) as report:
        for done, known in [(0.25, {}), (0.75, {}), (1, curves), (1.5, {}), (2, curves)]:
            report(done, known)
    last = capfd.readouterr().err.replace("\r", "\n").strip().splitlines()[-1]
    assert "epoch 2/2" in last and "loss 0.2500" in last
    assert events.epochs == [(0, 1), (1, 2)]


def test_a_log_has_a_line_for_each_state_and_no_codes_of_a_terminal(capfd):
    with progress.bar("first", 2) as one, progress.bar("other", 4, unit="image") as other:
        one(0.5)
        one(2, {"loss": np.array([0.5, 0.25])})
        other(4)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("first: epoch 0/2, compiling  00:00 < ")
    assert lines[1].startswith("other: image 0/4  00:00 < ")
    assert sorted(line.split("  ")[0] for line in lines[2:]) == [
        "first: epoch 2/2, loss 0.2500", "other: image 4/4"
    ]  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80, 300])
def test_elapsed_and_remaining_time_are_shown_at_any_width(capfd, monkeypatch, columns):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    with progress.bar("a label that is longer than there is room for it " * 3, 20) as report:
        report(20, {"loss": np.full(20, 14.75)})
    states = [x.rstrip() for x in capfd.readouterr().err.replace("\r", "\n").splitlines() if x]
    assert max(map(len, states)) <= min(columns, 100)
    assert states[-1].endswith(" epoch 20/20, loss 14.7500  00:00 < 00:00")


def test_a_bar_of_what_is_done_soon_is_not_shown(capfd):
    with progress.bar("mine", 2, delay=60) as report:
        report(2)
    assert not capfd.readouterr().err


def test_a_part_is_shown_with_one_digit(capfd):
    with progress.bar("mine", 2) as report:
        report(1 / 3)
    assert "epoch 0.3/2" in capfd.readouterr().err


def test_a_bar_may_count_the_steps_of_an_epoch(capfd):
    with progress.bar("mine", 4, "step", each=25) as report:
        report(1, {"loss": np.array([3.0, 0, 0, 0])})
        report(4, {"loss": np.array([3.0, 0, 0, 1.0])})
    assert "step 100/100, loss 1.0000" in capfd.readouterr().err
