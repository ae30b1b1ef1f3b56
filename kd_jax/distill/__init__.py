"""Distillation: teachers, students, methods and the ways in which they are trained.

This package is called like the function of driver/distill.py, whose docstring says more:

    kd.distill(
        student,            # a kd.Model, or what kd.from_flax, kd.from_nnx … give
        teacher,            # logits [N, C], a function, a Network, a path; a list
        train,              # kd.Split(inputs [N, …], labels [N] or None)
        test=None,          # likewise; by default a fifth of the training rows
        validation=None,    # likewise; by default a tenth of them
        seeds=10,           # students of each method
        base_seed=0,        # what every random choice follows from
        methods=None,       # by default [kd.labels_only(), *kd.soft_targets((1, 2, 4, 8))]
        recipe=kd.Recipe(), # optimizer, epochs, batch size, augmentation
        execution=…,        # devices, memory, compilation
    )                       # -> a Result: print it
"""

import sys
import types
from typing import Any


class _Callable(types.ModuleType):
    """A package that is a function too: one word for the work and for the room of its parts."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from kd_jax.distill.driver.distill import distill  # here, so that the parts load without it

        return distill(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
