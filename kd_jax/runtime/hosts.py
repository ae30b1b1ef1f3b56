"""Several processes of one run, on one host or many: they connect, agree, wait, end together.

All run the same command and compute; the first one writes and prints.
"""

import math
import os
import re
import sys
import traceback
from typing import Any, NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils

from kd_jax.errors import InputError
from kd_jax.runtime import rendezvous

SECONDS = 20.0  # that processes wait for each other


def join(
    coordinator_address: str, num_processes: int, process_id: int, seconds: float = SECONDS
) -> None:
    """Connect the processes of one run, as jax.distributed does.

    Args:
        coordinator_address: "address:port" of process 0; "auto" asks the cluster (SLURM, TPU pods,
            GKE) for all three; "" for a run of one process.
        num_processes: how many there are.
        process_id: which of them this one is: 0, 1, …
        seconds: that they wait for each other.

    Raises:
        InputError: they do not find each other in that time.
    """
    if not coordinator_address:
        return
    known: dict[str, Any] = {} if coordinator_address == "auto" else {
        "coordinator_address": coordinator_address,
        "num_processes": num_processes,
        "process_id": process_id,
    }  # fmt: skip
    try:
        if known:
            rendezvous.meet(coordinator_address, num_processes, process_id, seconds)
        jax.distributed.initialize(
            **known, initialization_timeout=math.ceil(seconds), heartbeat_timeout_seconds=20
        )
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"--coordinator_address={coordinator_address}: the processes did not find each other "
            f"({first}); start the same command for each of them, with its own --process_id, "
            f"within --coordinator_seconds={seconds:g}"
        ) from None


def leave(error: BaseException) -> None:
    """End this process, one of several, after an error; the usual end would wait for the others.

    An error that begins with a status of XLA (UNAVAILABLE: …) means that another process is gone:
    one line says so. Where there is one process nothing is done.
    """
    if not _several():
        return
    if re.match(r"[A-Z_]+: ", str(error)):
        first = str(error).splitlines()[0][:160]
        print(
            f"error: another process of this run was lost ({first}): give the same commands again, "
            "they resume where they were",
            file=sys.stderr,
        )
    else:
        traceback.print_exception(error)
    stop(1)


def stop(code: int) -> NoReturn:
    """End this process with an exit code; at once where it is one of several.

    Their usual end would wait for the others.
    """
    sys.stderr.flush()
    if _several():
        os._exit(code)
    sys.exit(code)


def _several():
    """Whether there are other processes; there are none where JAX found no device."""
    try:
        return jax.process_count() > 1
    except (RuntimeError, AssertionError):
        return False


def first_host() -> bool:
    """Whether this process is the one that writes and prints."""
    return jax.process_index() == 0


def agreed(value: Any) -> Any:
    """The first process's value of a number or truth that the processes may see differently."""
    if jax.process_count() == 1:
        return value
    return multihost_utils.broadcast_one_to_all(np.asarray(value)).item()


def wait(name: str) -> None:
    """Return when every process has come to the point of this name."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def one_at_a_time() -> bool:
    """Whether trainings must follow each other, as all processes must run them in one order."""
    return jax.process_count() > 1
