"""Compiling quickly: the tests of the losses are hundreds of small programs, each run once."""

import functools
import os

import jax

from kd_jax import losses

# Optimizing them would take most of the time. These names belong to XLA's CPU compiler.
OPTIONS: dict | None = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}
if os.environ.get("JAX_DISABLE_MOST_OPTIMIZATIONS") == "0" or jax.default_backend() != "cpu":
    OPTIONS = None  # as users run them


def quick_jit(function):
    """jax.jit without optimization, unless it is asked for; to be called outermost only."""
    return jax.jit(function, compiler_options=OPTIONS)


def split(keywords):
    """(what may be known only at run time, what is known while tracing) of a loss's keywords."""
    numbers = {name: x for name, x in keywords.items() if isinstance(x, float)}
    return numbers, {name: x for name, x in keywords.items() if name not in numbers}


@functools.cache
def _program(name, known):
    loss = functools.partial(getattr(losses, name), **dict(known))
    return quick_jit(lambda arrays, numbers: loss(*arrays, **numbers))


class Compiled:
    """kd_jax.losses with each function compiled once: numbers such as a temperature are traced.

    That they are as good as known ones is for test_contract, and test_golden as users run it.
    """

    def __getattr__(self, name):
        def call(*arrays, **keywords):
            numbers, known = split(keywords)
            return _program(name, tuple(sorted(known.items())))(arrays, numbers)

        return call
