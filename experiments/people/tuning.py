"""Fine-tuning of distilled students: on their mistakes, and on as many rows of other kinds.

All take as many steps, of batches of the same sizes: what differs is which rows are in them.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.people import stages
from experiments.people.config import Config
from experiments.people.rows import ON_ALL, ON_RANDOM, TUNED, TUNED_RAW, tuned_on
from experiments.people.stages import Stage
from kd_jax.data.dataset import Split
from kd_jax.training import keys

# (numbers by name, mistakes, training rows, epochs) -> rows of each epoch, as many as mistakes
Order = Callable[[Callable[[str], int], np.ndarray, int, int], Sequence[np.ndarray]]


def on_mistakes(
    number: Callable[[str], int], wrong: np.ndarray, count: int, epochs: int
) -> Sequence[np.ndarray]:
    """The rows that a student gets wrong, shuffled anew every epoch.

    Args:
        number: By the name of a choice of this student, what NumPy draws it from.
        wrong: The indices of the rows that it gets wrong.
        count: How many training rows there are.
        epochs: How often as many rows as are wrong are seen.
    """
    each = (np.random.default_rng([number("order"), epoch]) for epoch in range(epochs))
    return [random.permutation(wrong) for random in each]


def on_random(
    number: Callable[[str], int], wrong: np.ndarray, count: int, epochs: int
) -> Sequence[np.ndarray]:
    """As many of all training rows, drawn once: the arguments are those of `on_mistakes`."""
    random = np.random.default_rng(number("draw"))
    return on_mistakes(number, random.choice(count, len(wrong), replace=False), count, epochs)


def on_all(
    number: Callable[[str], int], wrong: np.ndarray, count: int, epochs: int
) -> Sequence[np.ndarray]:
    """All training rows in turn, each once before any is seen again, as many as `on_mistakes`."""
    random, seen = np.random.default_rng(number("all")), epochs * len(wrong)
    rounds = [random.permutation(count) for _ in range(-(-seen // count))]
    return [*np.array(rounds, int).ravel()[:seen].reshape(epochs, len(wrong))]


# {row: its loss and the order of its rows}, in the order of the records
TUNINGS: dict[str, tuple[Callable, Order]] = {
    TUNED_RAW: (stages.raw_label_loss, on_mistakes),
    TUNED: (stages.label_loss, on_mistakes),
    **{
        tuned_on(row, rows): (loss, order)
        for row, loss in ((TUNED_RAW, stages.raw_label_loss), (TUNED, stages.label_loss))
        for rows, order in ((ON_ALL, on_all), (ON_RANDOM, on_random))
    },
}


def batches(
    config: Config,
    teacher: int,
    seeds: Sequence[int],
    wrong: Sequence[np.ndarray],
    count: int,
    order: Order = on_mistakes,
) -> np.ndarray:
    """Batches [S, epochs, steps, B] of students, filled up with the index of the padding row.

    Args:
        config: The settings.
        teacher: The number of their teacher.
        seeds: [S], which the random choices of each are named by.
        wrong: Of each student the indices of the rows that it gets wrong.
        count: How many training rows there are.
        order: Which rows it sees in their place.
    """
    size, found = config.batch_size, []
    steps = max(1, -(-max(map(len, wrong)) // size))
    for seed, rows in zip(seeds, wrong, strict=True):
        number = functools.partial(keys.number, config.base_seed, "tuning", teacher, seed)
        each = order(number, rows, count, config.tuning_epochs)
        found.append([stages.in_batches(x, steps, size, count) for x in each])
    return np.array(found)


def tune(
    config: Config, teacher: int, seeds: Sequence[int], model: Any, params: Any, split: Split,
    row: str,
) -> tuple[Any, np.ndarray]:  # fmt: skip
    """Fine-tune distilled students: their parameters [S, …], and when each diverged, [S].

    Args:
        config: The settings.
        teacher: The number of their teacher.
        seeds: As for `batches`.
        model: Their network.
        params: Leaves [S, …], what they begin with.
        split: The training rows.
        row: Of TUNINGS.
    """
    loss, order = TUNINGS[row]
    wrong = stages.mistakes(model, params, split)
    seen = batches(config, teacher, seeds, wrong, len(split.labels), order)
    stage = Stage(row, model, loss, config.tuning_learning_rate, config.tuning_epochs)
    tuned, _, lost = stages.fit(stage, params, split, seen)
    return tuned, lost
