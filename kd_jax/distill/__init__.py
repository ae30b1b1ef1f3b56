"""Distillation: teachers, students, methods and the ways in which they are trained.

This package is called like a function, `kd.distill(student, teacher, train, …)`: the driver's, see
kd_jax.distill.driver.distill.
"""

import sys
import types
from typing import Any


class _Callable(types.ModuleType):
    """A package that is a function too: one word for the work and for the room of its parts."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from kd_jax.distill.driver import distill  # here, so that the parts load without it

        return distill(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
