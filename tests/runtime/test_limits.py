"""What JAX does not survive is one line before it is loaded: few addresses or files, no device."""

import resource

import jax
import pytest
from refusals import refused

from kd_jax.runtime import devices, limits, memory

UNLIMITED = resource.RLIM_INFINITY
LIMITS = resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_NOFILE


@pytest.mark.parametrize(
    "limit, most, line",
    [
        (resource.RLIMIT_AS, 2**30, r"ulimit -v: 1.0 GiB of addresses, expected 2 or more"),
        (resource.RLIMIT_AS, 2**31 - 1, "expected 2 or more"),
        (resource.RLIMIT_DATA, 2**29, "ulimit -d: 0.5 GiB of data, expected 1 or more"),
        (resource.RLIMIT_NOFILE, 31, "ulimit -n: 31 open files, expected 32 or more"),
    ],
)
def test_a_process_that_is_too_narrow_is_told(monkeypatch, limit, most, line):
    given = dict.fromkeys(LIMITS, UNLIMITED) | {limit: most}
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (given[limit], UNLIMITED))
    refused(line, limits.check)


@pytest.mark.parametrize("least", [*zip(LIMITS, [2**31, 2**30, 32])])
def test_others_go_on(monkeypatch, least):
    given = dict.fromkeys(LIMITS, UNLIMITED) | dict([least])
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (given[limit], UNLIMITED))
    limits.check()


@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("Unable to initialize\nit")])
def test_a_device_that_is_not_there_is_one_line(monkeypatch, error):
    def devices_of_jax():
        raise error

    monkeypatch.setattr(jax, "devices", devices_of_jax)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.delenv("XLA_FLAGS", raising=False)  # which the line would name too
    refused("JAX_PLATFORMS=cuda: JAX finds no such device.*; unset it", devices.found)


def test_memory_of_the_process_counts_like_that_of_a_device():
    assert memory.exhausted(MemoryError())
