"""Compiling quickly: the tests of the losses are hundreds of small programs, each run once."""

import functools

import jax

from kd_jax import losses

# Optimising them would take most of the time. These names belong to XLA's CPU compiler.
OPTIONS = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}


def quick_jit(function):
    """jax.jit without optimization; to be called outermost only."""
    return jax.jit(function, compiler_options=OPTIONS if jax.default_backend() == "cpu" else None)


@functools.cache
def _program(name, keywords):
    return quick_jit(functools.partial(getattr(losses, name), **dict(keywords)))


class Compiled:
    """kd_jax.losses with each function compiled, once for each set of keywords."""

    def __getattr__(self, name):
        def call(*arrays, **keywords):
            return _program(name, tuple(sorted(keywords.items())))(*arrays)

        return call
