"""Compilation: a cache of programs between processes, and fast compilation where that pays."""

import contextlib
import functools
import itertools
import os
import pathlib
import stat
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import jax

LARGEST = 2**31  # bytes of compiled programs that are kept
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
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
    start of a run are the programs that were not used for longest removed, see `prune`.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = _writable_folder()
        jax.config.update("jax_compilation_cache_dir", folder and str(folder))
        if folder:
            prune(folder, LARGEST)
    # A full disk is no matter here, and half a program neither: it is compiled again.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    # Small programs too, of which a run compiles some fifty before it begins to train.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def prune(folder: str | os.PathLike, largest: int) -> None:
    """Remove the files of a folder that were not used for longest, until the others fit.

    Args:
        folder: whose files nobody misses.
        largest: bytes that may stay.
    """
    with contextlib.suppress(OSError):  # another run may have removed them already
        used = sorted(
            ((max(found.st_atime, found.st_mtime), found.st_size, path)
             for path in pathlib.Path(folder).iterdir() for found in [path.stat()]),
            reverse=True,
        )  # fmt: skip
        for (_, _, path), total in zip(used, itertools.accumulate(size for _, size, _ in used)):
            if total > largest:
                path.unlink()


def _writable_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    fallback = pathlib.Path(tempfile.gettempdir()) / f"kd_jax-{os.getuid()}"
    for folder in (pathlib.Path(base) / "kd_jax", fallback):
        try:
            str(folder).encode()  # JAX takes no path that is not UTF-8
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                if _is_ours(folder):
                    return folder
        except (OSError, UnicodeEncodeError):
            continue
    return None


def _is_ours(folder):
    """Whether nobody else can have put programs there: JAX executes what it finds."""
    found, link = folder.stat(), folder.lstat()  # a link of one's own may lead to another disk
    own = found.st_uid == link.st_uid == os.getuid() and not found.st_mode & WRITABLE_BY_OTHERS
    above = {*folder.absolute().parents, *folder.resolve().parents}
    return own and not any(_may_replace(each.stat()) for each in above)


def _may_replace(found):
    """Whether somebody other than this user and root may rename what lies in a folder."""
    everybody = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX  # as /tmp has it
    return everybody or found.st_uid not in (0, os.getuid())
