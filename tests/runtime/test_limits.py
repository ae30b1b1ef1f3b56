"""What JAX does not survive is one line before it is loaded: few addresses or files, no device."""

import resource

import jax
import pytest
from refusals import refused

from kd_jax.runtime import devices, limits, memory

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    "addresses, files, line",
    [
        (2**30, 1024, r"ulimit -v: 1.0 GiB of addresses, expected 2 or more"),
        (2**31 - 1, 1024, "expected 2 or more"),
        (UNLIMITED, 31, "ulimit -n: 31 open files, expected 32 or more"),
    ],
)
def test_a_process_that_is_too_narrow_is_told(monkeypatch, addresses, files, line):
    given = {resource.RLIMIT_AS: addresses, resource.RLIMIT_NOFILE: files}
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (given[limit], UNLIMITED))
    refused(line, limits.check)


@pytest.mark.parametrize("addresses, files", [(UNLIMITED, 32), (2**31, UNLIMITED)])
def test_others_go_on(monkeypatch, addresses, files):
    given = {resource.RLIMIT_AS: addresses, resource.RLIMIT_NOFILE: files}
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (given[limit], UNLIMITED))
    limits.check()


@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("Unable to initialize\nit")])
def test_a_device_that_is_not_there_is_one_line(monkeypatch, error):
    def devices_of_jax():
        raise error

    monkeypatch.setattr(jax, "devices", devices_of_jax)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    refused("JAX_PLATFORMS=cuda: JAX finds no such device.*; unset it", devices.found)


def test_memory_of_the_process_counts_like_that_of_a_device():
    assert memory.exhausted(MemoryError())
