"""The tutorial's parts: which students learn what, and on which digits."""

import numpy as np

from experiments.mnist_tutorial import rows as named
from experiments.mnist_tutorial.config import Config
from kd_jax.data import subsets
from kd_jax.distill import transfer
from kd_jax.distill.students import Arm
from kd_jax.distill.transfer import TransferRun
from kd_jax.training import keys

T = 3.0  # this and the weights and biases below are the tutorial's, and make its rows
PARTS = {"1": (), "2a": (3,), "2b": (7, 8)}  # {part: the classes whose bias is wrong}


def soft(row: str, temperature=T, teacher="teacher", label_weight=0.0) -> Arm:
    """The tutorial's losses: label_weight·CE + KL at T, without the factor T²."""
    return Arm(row, temperature, 1 / temperature**2, label_weight, teacher=teacher)


def on_labels(config: Config) -> list[Arm]:
    """The arms without a teacher, the baseline first."""
    epsilon = config.smoothing
    smoothed = Arm(f"{named.SMOOTHED} {epsilon:g}", label_weight=1.0, smoothing=epsilon)
    return [Arm(named.LABELS, label_weight=1.0), smoothed]


def altered() -> list[Arm]:
    """The arms whose teacher has lost part of its knowledge."""
    permuted = soft(named.PERMUTED, teacher="permuted")
    return [permuted, soft(named.UNIFORM, teacher="uniform")]


def held_out_rows(config: Config, labels: np.ndarray) -> np.ndarray:
    """The rows that a bias is chosen on."""
    seed = keys.number(config.base_seed, "draw", "held out")
    return transfer.held_out_rows(labels, config.held_out, seed)


def part_1(config: Config, labels: np.ndarray) -> list[TransferRun]:
    """All digits, learned from each of the teachers."""
    weight, everyone, batch_size = 0.7 / T**2, np.arange(len(labels)), config.student_batch_size
    of_cnns = soft(named.OF_CNN, teacher="CNN"), soft(named.OF_CNN_2D, teacher="2-D CNN")
    mixed = soft(named.MIXED, label_weight=weight)
    alike = mixed._replace(row=f"{named.MIXED_ALIKE} {batch_size}")
    arms = [*on_labels(config), *altered(), soft(named.SOFT), alike, *of_cnns]
    return [
        TransferRun("1", arms, everyone, batch_size),
        TransferRun("1 mixed", [mixed], everyone, 100),
    ]


def part_2(config: Config, part: str, labels: np.ndarray) -> list[TransferRun]:
    """Some of the digits, learned from the dense teacher."""
    choose, initial_bias, label_weight, passes = {
        "2a": (subsets.omit, 3.5, 0.4, 1),
        "2b": (subsets.keep, 1.0, 0.5, 2),
    }[part]
    started, weight, rows = named.INITIAL_BIAS[part], label_weight / 25, choose(labels, PARTS[part])
    once, smoothed = on_labels(config)
    as_long = [once._replace(row=named.LONGER)] if passes > 1 else []
    arms = [
        *as_long,
        smoothed,
        *altered(),
        soft(named.SOFT),
        soft(named.MISMATCHED, 5.0, "teacher × 5/3", weight),
        soft(named.MATCHED, 5.0, "teacher", weight),
        soft(started),
    ]
    start = {started: dict.fromkeys(PARTS[part], initial_bias)}
    rest, size = np.setdiff1d(rows, held_out_rows(config, labels)), config.student_batch_size
    return [
        TransferRun(f"{part} labels", [once], rows, size),
        TransferRun(part, arms, rows, size, passes, start),
        TransferRun(f"{part} held out", [soft(named.HELD_OUT)], rest, size, passes),
    ]


def transfer_runs(config: Config, part: str, labels: np.ndarray) -> list[TransferRun]:
    """Every TransferRun of a part."""
    return part_1(config, labels) if part == "1" else part_2(config, part, labels)
