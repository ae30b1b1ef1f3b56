"""A bar counts whole units as such and parts of them with a digit; curves are written once."""

import numpy as np

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


def test_a_bar_of_what_is_done_soon_is_not_shown(capfd):
    with progress.bar("mine", 2, delay=60) as report:
        report(2)
    assert not capfd.readouterr().err


def test_a_part_is_shown_with_one_digit(capfd):
    with progress.bar("mine", 2) as report:
        report(1 / 3)
    assert "epoch 0.3/2" in capfd.readouterr().err
