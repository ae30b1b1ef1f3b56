"""Several hosts of one run: they find each other, agree, wait, and end together.

All run the same command and compute; the first one writes and prints.
"""

import os
import re
import sys
import traceback

import jax
import numpy as np
from jax.experimental import multihost_utils

from kd_jax.errors import InputError


def join(coordinator, hosts, host):
    """Connect the hosts of one run. "auto" asks the cluster (SLURM, TPU pods, GKE) who they are.

    Args: coordinator: "address:port" of the first host, or "" for a run on one host.
    Raises: InputError when they do not find each other within a minute.
    """
    if not coordinator:
        return
    known = {} if coordinator == "auto" else {
        "coordinator_address": coordinator, "num_processes": hosts, "process_id": host,
    }  # fmt: skip
    try:
        jax.distributed.initialize(**known, initialization_timeout=60, heartbeat_timeout_seconds=20)
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"--coordinator={coordinator}: the hosts did not find each other ({first}); start the "
            "same command on each of them, with its own --host"
        ) from None


def leave(error):
    """End this process, one of several, after an error; the usual end would wait for the others.

    An error that begins with a status of XLA (UNAVAILABLE: …) means that another host is gone: one
    line says so. With one host nothing is done.
    """
    if jax.process_count() == 1:
        return
    if re.match(r"[A-Z_]+: ", str(error)):
        first = str(error).splitlines()[0][:160]
        print(
            f"error: another host of this run was lost ({first}): give the same command on every "
            "host again, it goes on where it was",
            file=sys.stderr,
        )
    else:
        traceback.print_exception(error)
    stop(1)


def stop(code):
    """End this process at once where it is one of several, whose usual end waits for the others."""
    sys.stderr.flush()
    if jax.process_count() > 1:
        os._exit(code)
    sys.exit(code)


def first_host():
    """Whether this process is the one that writes and prints."""
    return jax.process_index() == 0


def agreed(value):
    """The first host's value of a number or truth that the hosts may see differently."""
    if jax.process_count() == 1:
        return value
    return multihost_utils.broadcast_one_to_all(np.asarray(value)).item()


def wait(name):
    """Return when every host has come to this point."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def one_at_a_time():
    """Whether trainings must follow each other, as all hosts must run them in one order."""
    return jax.process_count() > 1
