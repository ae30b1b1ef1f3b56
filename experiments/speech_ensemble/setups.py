"""The set-ups of the speech experiment and the students of each."""

import dataclasses
from typing import Any

from experiments.speech_ensemble import rows as named
from experiments.speech_ensemble.config import Config
from kd_jax.distill import students
from kd_jax.distill.students import Arm


@dataclasses.dataclass(frozen=True)
class Setup:
    """How ensemble and students are trained, on what frames.

    decays: whether learning rates decay to zero; they are constant else, which leaves networks
    further from each other and an ensemble more to gain. times: how many times as long as a member
    a student trains. perturbed: how far its frames are perturbed, about which the members are asked
    then; 0 for not. of_perturbed: whether members see theirs perturbed too, and know them less by
    heart.
    unlabeled: whether a student also sees as many recordings that no member saw, without labels.
    """

    name: str
    decays: bool = False
    times: int = 1
    perturbed: float = 0.0
    of_perturbed: bool = False
    unlabeled: bool = False


SETUPS = (
    Setup(named.AS_PAPER),
    Setup(named.DECAYING, decays=True),
    Setup("students three times as long", times=3),
    Setup("students three times as long, of perturbed frames", times=3, perturbed=1.0),
    Setup("students hear as many recordings again, unlabeled", unlabeled=True),
)
PERTURBED = (
    Setup("members and students of frames as they are"),
    Setup("members and students of perturbed frames", perturbed=1.0, of_perturbed=True),
    Setup(
        "members and students of frames perturbed three times as far",
        perturbed=3.0, of_perturbed=True,
    ),
)  # fmt: skip


def setups_of(config: Config) -> tuple[Setup, ...]:
    """Those that settings ask for."""
    return PERTURBED if config.perturbed_members else SETUPS


def arms(config: Config, setup: Setup) -> list[Arm]:
    """The students of a set-up: all of the paper's in the first, the chief ones in the others."""
    numbers: dict[str, Any] = {"weight": 1.0, "label_weight": config.label_weight}
    names, t = named.Names.of(config.results_key()), config.temperature
    mixed = students.arms(names.mixed, sorted(config.temperatures), **numbers)
    alone = Arm(names.alone, t, weight=1.0)
    labels_only = Arm(named.LABELS, label_weight=1.0)
    if setup.unlabeled:  # labels only have other frames, and a training of their own
        return [Arm(named.PSEUDO_LABELS, label_weight=1.0), *mixed[:-1], alone]
    if setup != SETUPS[0]:
        return [labels_only, *mixed[1:-1], alone]
    smoothed = Arm(names.smoothed, label_weight=1.0, smoothing=config.smoothing)
    geometric = Arm(names.of_geometric, t, **numbers, teacher="geometric")
    permuted = Arm(names.permuted, t, **numbers, teacher="permuted")
    return [labels_only, smoothed, *mixed, alone, geometric, permuted]


def arms_of_few(config: Config) -> list[Arm]:
    """The students of few recordings."""
    names, t = named.Names.of(config.results_key()), config.temperature
    return [
        Arm(named.LAST, label_weight=1.0),
        Arm(names.smoothed_last, label_weight=1.0, smoothing=config.smoothing),
        Arm(names.soft, t, weight=1.0),
        Arm(named.PERMUTED_LAST, t, weight=1.0, teacher="permuted"),
    ]
