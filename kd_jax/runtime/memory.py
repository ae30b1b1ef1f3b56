"""Device memory: how many members are trained at once, and what to do when they do not fit."""

import pathlib
from typing import Any

import jax

ADVICE = (
    "no memory is left: give --members_per_chunk=N, fewer networks at once, or smaller settings"
)
RESERVE = 0.9  # of the free memory that a training may take


def most(members: int, program: Any, fixed: float) -> int:
    """How many of a compiled program's members fit into the free memory of its device, 1 or more.

    Args:
        members: of the program.
        program: of jax.stages.Compiled.
        fixed: bytes of its arguments that do not grow with the members.
    """
    needs, free = peak(program), available()
    if needs is None or free is None:
        return members
    free = RESERVE * free + program.memory_analysis().argument_size_in_bytes  # they lie there
    if needs <= free:
        return members
    return max(1, int(members * (free - fixed) / (needs - fixed)))


def peak(program: Any) -> int | None:
    """Bytes that a compiled program takes: arguments, results and all between.

    None where the device does not say.
    """
    needs = program.memory_analysis()
    if needs is None:
        return None
    added = needs.temp_size_in_bytes + needs.output_size_in_bytes - needs.alias_size_in_bytes
    return needs.argument_size_in_bytes + added


def available() -> int | None:
    """Free bytes of this process's first device, or None where that is unknown."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    if jax.default_backend() != "cpu":
        return None
    found = [_number("/proc/meminfo", "MemAvailable:", 1024)]
    limit = _number("/sys/fs/cgroup/memory.max")
    if limit is not None:
        found.append(limit - (_number("/sys/fs/cgroup/memory.current") or 0))
    known = [x for x in found if x is not None]
    return min(known) // jax.local_device_count() if known else None  # the devices share it


def _number(path, after="", unit=1):
    """The first number in a file of the kernel, on the line that begins with `after`."""
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
        (line,) = (line.removeprefix(after) for line in lines if line.startswith(after))
        return int(line.split()[0]) * unit
    except (OSError, ValueError, IndexError):
        return None


def exhausted(error: BaseException) -> bool:
    """Whether an exception says that a device, or this process, has no memory left."""
    of_jax = isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    return of_jax or isinstance(error, MemoryError)
