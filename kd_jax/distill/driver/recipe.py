"""How students are trained, said without their network or data: the same for every method."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax

from kd_jax.arguments import whole
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.errors import require
from kd_jax.models import Model
from kd_jax.training import optimizers, samplers


@functools.lru_cache(maxsize=64)  # one of each, so that like trainings share a program
def adam(peak: float = 2e-3) -> Callable[[int], optax.GradientTransformation]:
    """Adam with a cosine decay from `peak` to zero over all steps of a training.

    Args:
        peak: The first learning rate.

    Returns:
        (steps) -> optimizer.
    """
    return functools.lru_cache(maxsize=8)(
        lambda steps: optax.adam(optax.cosine_decay_schedule(peak, steps))
    )


class Recipe(NamedTuple):
    """How every student of a comparison is trained.

        kd.Recipe(optax.adam(1e-3), epochs=20, batch_size=64)

    Attributes:
        optimizer: Of optax, or (steps) -> one, for a schedule over all steps.
        epochs: Passes over the training rows.
        batch_size: Rows of a step; the last, partial batch of an epoch is dropped.
        augment: (key, input) -> input, drawn anew for each row and step; None for none.
    """

    optimizer: Any = adam()
    epochs: int = 20
    batch_size: int = 128
    augment: Callable | None = None

    def of(self, model: Model, rows: int, order: jax.Array) -> NetworkRecipe:
        """The recipe of one network.

        Args:
            model: Of it.
            rows: How many it is trained on; fewer than a batch are one batch.
            order: The key of the order of the rows.

        Raises:
            InputError: The epochs or the batch size are not above 0, or the optimizer is none.
        """
        epochs = whole("Recipe: epochs", self.epochs)
        batch_size = whole("Recipe: batch_size", self.batch_size)
        sampler = samplers.scattered(order, rows, min(batch_size, rows))
        optimizer = self._of_steps(optimizers.steps(epochs, sampler))
        return NetworkRecipe(model, optimizer, sampler, epochs, self.augment)

    def _of_steps(self, steps):
        """The optimizer of a training of so many steps."""
        given = self.optimizer
        module = getattr(given, "__module__", None) or ""  # optax.adam takes a rate, no steps
        if callable(given) and not module.startswith("optax"):
            given = given(steps)
        require(
            isinstance(given, optax.GradientTransformation),
            f"Recipe: optimizer={given!r:.60}: expected one of optax, like optax.adam(1e-3), or a "
            "function of the number of steps that gives one",
        )
        return given

    def steps(self, rows: int) -> int:
        """How many steps a student takes.

        Args:
            rows: That it is trained on.
        """
        return self.epochs * (rows // min(self.batch_size, rows))


USUAL = Recipe()
