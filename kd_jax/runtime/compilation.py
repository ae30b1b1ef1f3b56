"""Compilation: a cache of programs between processes, and fast compilation where that pays."""

import contextlib
import functools
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

from kd_jax.runtime import program_folder

LARGEST = 2**31  # bytes of compiled programs that are kept
FOLDER, LEAST = "jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"
# What XLA may leave out for a program that runs for less time than it takes to compile.
QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}


@functools.cache
def quick_options() -> dict[str, Any]:
    """Options of jax.jit that halve compilation on a CPU; none where this version refuses them."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x, compiler_options=QUICK).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return QUICK


def quick_jit(function: Callable, **options: Any) -> Callable:
    """jax.jit with quick_options, for what moves numbers or draws bits: its results are the same.

    Args:
        function: that runs for less time than it takes to compile; within another jit it is a
            part of that one, as options are of whole programs alone.
        **options: of jax.jit.
    """

    @functools.cache
    def program():  # at the first call: to import asks for no device
        return jax.jit(function, compiler_options=quick_options(), **options)

    @functools.wraps(function)
    def call(*args, **kwargs):
        traced = any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves((args, kwargs)))
        return (function if traced else program())(*args, **kwargs)

    return call


def cache_programs() -> None:
    """Keep compiled programs in the user's cache folder, or a temporary one where that fails.

    A folder that others own or may write to is not used: a run goes without.
    JAX_COMPILATION_CACHE_DIR, when set, wins; set to an empty string it turns the cache off.
    Runs share the folder without a lock, which many of them would wait for: a program that another
    is writing at this moment, or that a killed run left unfinished, is compiled again. Only at the
    start of a run are the programs that were not used for longest removed.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update(FOLDER, _folder())
    _quiet()
    # Small programs too, of which a run compiles some fifty before it begins to train.
    jax.config.update(LEAST, 0.0)


@functools.cache  # it is pruned once
def _folder():
    folder = program_folder.writable()
    if folder:
        program_folder.prune(folder, LARGEST)
    return folder and str(folder)


def _quiet():
    # A full disk is no matter here, and half a program neither: it is compiled again.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")


_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def kept_programs() -> Iterator[None]:
    """Within it compiled programs are kept as `cache_programs` says; afterwards JAX is as it was.

    For what is compiled within somebody else's process. Where that one has said itself where
    programs are kept, or that none are, nothing is changed.
    """
    said = "JAX_COMPILATION_CACHE_DIR" in os.environ or getattr(jax.config, FOLDER)
    folder = None if said else _folder()
    if not folder:
        yield
        return
    with _one_at_a_time:
        before = {name: getattr(jax.config, name) for name in (FOLDER, LEAST)}
        _keep({FOLDER: folder, LEAST: 0.0})
        _quiet()
        try:
            yield
        finally:
            _keep(before)


def _keep(settings):
    for name, value in settings.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()  # JAX looks at its settings once


def kept_jit(function: Callable, **options: Any) -> Callable:
    """jax.jit of what is called with one shape alone, compiled within `kept_programs`.

    Args:
        function: The function.
        **options: of jax.jit.
    """
    program, compiled = jax.jit(function, **options), threading.Event()

    @functools.wraps(function)
    def call(*args):
        if compiled.is_set():
            return program(*args)
        with kept_programs():
            found = program(*args)
        compiled.set()
        return found

    return call
