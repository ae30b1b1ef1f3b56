"""An ensemble distilled into one network of its members' size."""

import numpy as np

from experiments.teacher_choice import common
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.distill import controls, ensembles, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.metrics import records
from kd_jax.training import keys


def members_of(place: Place) -> teachers.Teachers:
    """The members, which differ by their initialization and their order."""
    config, rows = place.config, len(place.data.train.labels)
    order = place.key("member", "order")
    of = common.recipe(config, config.ensemble_width, rows, config.ensemble_epochs, order)
    each = keys.keys(config.base_seed, "member", place.teacher, count=config.ensemble_members)
    return teachers.together(named.MEMBER, of, each, place.data, place.run)


def arms(place: Place) -> list[Arm]:
    """The students' arms, the baseline first."""
    config, of = place.config, place.config.ensemble_temperatures
    mixed = {"weight": 1.0, "label_weight": config.ensemble_label_weight}
    return [
        common.labels_only(),
        common.labels_only(row=named.smoothed(config.smoothing), smoothing=config.smoothing),
        *students.arms(named.MIXED, of, **mixed),
        *students.arms(named.SOFT, of, weight=1.0),
        *students.arms(named.PERMUTED_ENSEMBLE, of, **mixed, teacher="permuted"),
    ]


def train(place: Place, task) -> list[dict]:
    """The records of an ensemble, its members and its students."""
    config, data = place.config, place.data
    members = members_of(place)
    mean = {split: ensembles.arithmetic_mean(x) for split, x in members.logits.items()}
    of_mean: dict[str, np.ndarray] = {}
    for split in common.HELD_OUT:
        of_mean |= teachers.metrics(mean[split][None], getattr(data, split).labels, split)
    found = common.of_teacher(place, members, task)
    found += records.seed_records(named.ENSEMBLE, of_mean)
    seed = keys.number(config.base_seed, "draw", "permuted", place.teacher)
    permuted = controls.permuted(mean["train"], data.train.labels, seed)
    taught = {"teacher": mean, "permuted": {**mean, "train": permuted}}
    rows, order = len(data.train.labels), place.key("student", "order")
    of = common.recipe(config, config.ensemble_width, rows, config.ensemble_epochs, order)
    return found + common.trained(place, of, arms(place), taught, task)
