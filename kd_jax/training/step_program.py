"""A training as a loop in Python over one compiled step, for networks that a compiled loop slows.

On a CPU XLA runs a convolution within a loop of its own some 14 times slower than outside.
"""

from collections.abc import Callable, Hashable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from kd_jax.training import programs, samplers
from kd_jax.training.grid_program import EpochMetrics, members_step


def is_faster(jaxpr: Any) -> bool:
    """Whether a loss should be trained step by step: it convolves, on a CPU.

    Args:
        jaxpr: Of the loss, see jax.make_jaxpr.
    """
    return jax.default_backend() == "cpu" and _convolves(jaxpr.jaxpr)


def _convolves(jaxpr):
    if any(equation.primitive.name == "conv_general_dilated" for equation in jaxpr.eqns):
        return True
    return any(map(_convolves, core.subjaxprs(jaxpr)))


_indices = jax.jit(samplers.of_seeds)  # orders of other keys are the same program


class StepProgram:
    """What grid_program.of_epochs compiles as a whole, step by step."""

    def __init__(
        self,
        loss_fn: Callable,
        optimizer: Any,
        epoch_metrics: EpochMetrics,
        place: Any,
        each: int | None,
        views: Callable | None,
        options: dict | None,
        known: Hashable,
        state: Any,
        fixed: tuple,
    ):
        """Compile the step.

        Args:
            loss_fn: As for grid_program.of_epochs, like the next five.
            optimizer: Of optax.
            epoch_metrics: Measured after each epoch.
            place: Where the grid lies.
            each: 0 where each seed has batches of its own.
            views: What a step sees of a batch.
            options: Of the compiler.
            known: What decides the program besides the loss.
            state: Of the grid.
            fixed: The arguments of a training that stay: sampler, data, shared, seeds, own,
                numbers, and what metrics are measured on.
        """
        self.report: Callable | None = None  # called as report(epochs, a fraction, {}) in each step
        sampler, data, shared, seeds, own, numbers, _ = fixed
        self.measure = jax.jit(epoch_metrics.grid)
        split = place.outputs(state)
        jitted = jax.jit(
            members_step(loss_fn, optimizer, each, views), donate_argnums=0,
            out_shardings=split and (split[0], split[0].step), compiler_options=options,
        )  # fmt: skip
        first = np.asarray(_indices(sampler, seeds, 0))[0]
        given = state, first, data, shared, own, numbers
        self.step = programs.compiled(loss_fn, (known, "step"), jitted, *given)

    def memory_analysis(self) -> Any:
        """Of the compiled step."""
        return self.step.memory_analysis()

    def __call__(self, state: Any, curves: dict, first: int, stop: int, *fixed: Any) -> tuple:
        """Train the epochs [first, stop).

        Args:
            state: Of the grid.
            curves: {name: [epochs, S, A]}, written to.
            first: Epoch.
            stop: Epoch.
            *fixed: Like those that it was compiled for.

        Returns:
            The state and the curves after that.
        """
        sampler, data, shared, seeds, own, numbers, measured_on = fixed
        curves = jax.tree.map(np.array, curves)
        for number in range(first, stop):
            found = []
            orders = np.asarray(_indices(sampler, seeds, number))
            for rows in orders:
                state, metrics = self.step(state, rows, data, shared, own, numbers)
                found.append(metrics)
                if self.report:
                    self.report(number + len(found) / (len(orders) + 1), {})
            means = {name: np.mean([np.asarray(x[name]) for x in found], 0) for name in found[0]}
            means |= jax.tree.map(np.asarray, self.measure(state.variables, measured_on))
            for name, values in means.items():
                curves[name][number] = values
        return state, jax.tree.map(jnp.asarray, curves)
