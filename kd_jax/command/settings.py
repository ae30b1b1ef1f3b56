"""What flags stand for in a training: optimizer, augmentation, recipes."""

import functools
from collections.abc import Callable
from typing import Any

import optax

from kd_jax.command.problem import Problem
from kd_jax.data import augment
from kd_jax.distill.driver.recipe import Recipe
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.errors import require
from kd_jax.models import Model
from kd_jax.training import optimizers

OPTIMIZERS: dict[str, Callable] = {  # (schedule) -> optimizer
    "adam": optax.adam,
    "adamw": optax.adamw,
    "sgd": functools.partial(optax.sgd, momentum=0.9),
}
AUGMENTATIONS: dict[str, Callable | None] = {
    "none": None,
    "jitter": augment.jitter,
    "crop_flip": augment.crop_and_flip,
}


@functools.lru_cache(maxsize=64)  # one of each, so that like trainings share a program
def optimizer(name: str, peak: float, steps: int) -> optax.GradientTransformation:
    """An optimizer with a cosine decay over all steps.

    Args:
        name: Of OPTIMIZERS.
        peak: The first learning rate.
        steps: Of the training.
    """
    return OPTIMIZERS[name](optax.cosine_decay_schedule(peak, steps))


def recipe(config: Any) -> Recipe:
    """How students are trained.

    Args:
        config: The flags.
    """
    of_steps = functools.partial(optimizer, config.optimizer, config.learning_rate)
    return Recipe(of_steps, config.epochs, config.batch_size, AUGMENTATIONS[config.augment])


def network_recipe(config: Any, model: Model, sampler: Callable, epochs: int) -> NetworkRecipe:
    """How a teacher is trained: as students are, on its own rows.

    Args:
        config: The flags.
        model: Of the teacher.
        sampler: Of its batches.
        epochs: Its own.
    """
    steps = optimizers.steps(epochs, sampler)
    own = optimizer(config.optimizer, config.learning_rate, steps)
    return NetworkRecipe(model, own, sampler, epochs, AUGMENTATIONS[config.augment])


def check(config: Any, problem: Problem) -> None:
    """InputError unless the rows can be augmented and parted as the flags ask.

    Args:
        config: The flags.
        problem: Whose rows they are.
    """
    shape, count = problem.train.inputs.shape[1:], len(problem.train.rows)
    fits = config.augment == "none" or len(shape) == 3
    require(
        fits, f"--augment={config.augment} is for images [H, W, C] and {problem.name} has inputs "
        f"{list(shape)}: leave it out",
    )  # fmt: skip
    require(
        config.augment == "none" or not config.stream,
        f"--augment={config.augment} and --stream: expected one of them; views are drawn of rows "
        "in memory",
    )
    parts = f"--cross_fit={config.cross_fit}: expected at most {count}, as many as training rows"
    require(config.cross_fit <= count, parts)
