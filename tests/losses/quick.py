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


@functools.cache
def _program(name, keywords):
    return quick_jit(functools.partial(getattr(losses, name), **dict(keywords)))


class Compiled:
    """kd_jax.losses with each function compiled, once for each set of keywords."""

    def __getattr__(self, name):
        def call(*arrays, **keywords):
            return _program(name, tuple(sorted(keywords.items())))(*arrays)

        return call
