"""Processes wait for each other, and say in one line who did not come."""

import concurrent.futures
import socket

import pytest

from kd_jax.errors import InputError
from kd_jax.runtime import hosts, rendezvous


@pytest.fixture
def address():
    """address:port that is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"127.0.0.1:{port}"


def met(address, numbers, processes, seconds):
    """What becomes of processes with these numbers: None, or why they did not meet."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        each = [pool.submit(rendezvous.meet, address, processes, n, seconds) for n in numbers]
        return [str(error) if (error := one.exception()) else None for one in each]


def test_all_go_on_when_the_last_has_come(address):
    assert met(address, [2, 1, 0], 3, 20) == [None] * 3
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        pass  # the port is free for JAX


def test_those_who_did_not_come_are_named(address):
    first, second = met(address, [0, 2], 3, 1)
    assert first == "process 1 did not come"
    assert second in ("the other processes did not come", "process 0 has ended, or another says "
                      "that it is process 2")  # fmt: skip


def test_two_of_one_number_are_told(address):
    found = met(address, [0, 1, 1], 3, 2)
    assert found[0] == "process 2 did not come"
    assert any("another says that it is process 1" in each for each in found[1:])


def test_a_stranger_is_left_out(address):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(rendezvous.meet, address, 2, 0, 20)
        host, _, port = address.rpartition(":")
        for said in (b"GET / HTTP/1.1\n", b"7\n", b""):
            for _ in range(50):
                try:
                    with socket.create_connection((host, int(port))) as stranger:
                        stranger.sendall(said)
                    break
                except ConnectionRefusedError:  # process 0 is not yet there
                    pass
        assert met(address, [1], 2, 20) == [None] and first.result() is None


def test_what_was_in_vain_is_one_line(address):
    host, _, port = address.rpartition(":")
    for given, process, said in [
        (address, 1, "process 0 is not there: Connection refused.; start"),
        (address, 0, "process 1 did not come.; .* within --coordinator_seconds=0.2$"),
        ("no.such.host.invalid:1", 1, "process 0 is not there"),
    ]:
        with pytest.raises(InputError, match=said):
            hosts.join(given, 2, process, 0.2)
    with socket.create_server(("", int(port))):
        with pytest.raises(InputError, match="did not find each other .Address already in use"):
            hosts.join(address, 2, 0, 0.2)


def test_a_host_that_says_nothing_is_not_waited_for_longer(monkeypatch):
    asked = []

    def connect(where, timeout):
        asked.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(InputError, match="process 0 is not there: timed out"):
        hosts.join("10.0.0.1:5000", 2, 1, 0.3)
    assert max(asked) <= 0.3
