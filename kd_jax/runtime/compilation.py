"""Compilation: a cache of programs between processes, and fast compilation where that pays."""

import functools
import os
import pathlib
import tempfile
import warnings
from typing import Any

import jax

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


def cache_programs() -> None:
    """Cache compiled programs in the user's cache folder, or a temporary one where that fails.

    JAX_COMPILATION_CACHE_DIR, when set, wins; set to an empty string it turns the cache off.
    Two runs may share the folder: a file lock keeps their reads and writes apart (JAX takes it when
    the size is limited), and what a killed run left unreadable is compiled again.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = _writable_folder()
        jax.config.update("jax_compilation_cache_dir", folder and str(folder))
    jax.config.update("jax_compilation_cache_max_size", 2**31)
    # A full disk is no matter here, and of a killed run's half an entry: it is compiled again.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    # A student's program compiles in about a second; the default would skip half of them.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _writable_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    fallback = pathlib.Path(tempfile.gettempdir()) / f"kd_jax-{os.getuid()}"
    for folder in (pathlib.Path(base) / "kd_jax", fallback):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None
