"""Processes of one run meet before JAX connects them, which ends a process without a line of why.

Process 0 listens on the coordinator's port until each of the others has said its number, then says
"go" to all and leaves the port to JAX.
"""

import contextlib
import socket
import time
from typing import Any

GO = b"go\n"
LONGEST = 16  # bytes of what a process says


def meet(address: str, processes: int, number: int, seconds: float) -> None:
    """Return when all processes are there.

    Args:
        address: address:port of process 0.
        processes: how many there are.
        number: which of them this one is.
        seconds: that it waits.

    Raises:
        RuntimeError: the port is taken, or some do not come in time.
    """
    host, _, port = address.rpartition(":")
    until = time.monotonic() + seconds
    try:
        if number:
            _come(host.strip("[]"), int(port), number, until)
        else:
            _gather(int(port), processes, until)
    except OSError as error:
        raise RuntimeError(error.strerror or str(error)) from None


def _gather(port, processes, until):
    """What process 0 does."""
    several = socket.has_dualstack_ipv6()
    options: Any = {"family": socket.AF_INET6, "dualstack_ipv6": True} if several else {}
    waiting: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("", port), **options))
        while len(waiting) < processes - 1:
            missing = sorted({*range(1, processes)} - waiting.keys())
            server.settimeout(max(until - time.monotonic(), 0.001))
            try:
                connection = stack.enter_context(server.accept()[0])
                connection.settimeout(5)
                said = connection.recv(LONGEST).strip()
            except TimeoutError:
                if time.monotonic() < until:  # somebody who says nothing
                    continue
                absent = ", ".join(map(str, missing[:5]))
                raise RuntimeError(f"process {absent} did not come") from None
            if said.isdigit() and 0 < int(said) < processes:  # else it is none of ours
                if int(said) in waiting:
                    waiting[int(said)].close()
                waiting[int(said)] = connection
        for connection in waiting.values():
            connection.sendall(GO)


def _come(host, port, number, until):
    """What the others do; process 0 may begin later than they."""
    while True:
        try:
            left = max(until - time.monotonic(), 0.1)
            connection = socket.create_connection((host, port), timeout=min(left, 5))
            break
        except OSError as error:
            if time.monotonic() > until or isinstance(error, socket.gaierror):
                why = error.strerror or error
                raise RuntimeError(f"process 0 is not there: {why}") from None
            time.sleep(0.2)
    with connection:
        connection.sendall(b"%d\n" % number)
        connection.settimeout(max(until - time.monotonic(), 1))
        try:
            said = connection.recv(len(GO))
        except TimeoutError:
            raise RuntimeError("the other processes did not come") from None
    if said != GO:
        raise RuntimeError(f"process 0 has ended, or another says that it is process {number}")
