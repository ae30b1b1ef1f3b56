"""Many devices and hosts: the numbers of one, and the end of a run that lost a host."""

import json
import pathlib
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from kd_jax import mesh
from kd_jax.errors import InputError

ROOT = pathlib.Path(__file__).parents[1]
ON_EIGHT_DEVICES = """
import jax
jax.config.update("jax_num_cpu_devices", 8)
import numpy as np
import optax
from kd_jax import mesh, models, train

x = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32)
data = {"x": x, "y": (x.sum(1) > 0).astype(np.int32)}
net = models.functional(models.MLP((5,), 2, dropout=0.2), (6,))

def loss(params, batch, key):
    z, _ = net.apply(params, batch["x"], train=True, key=key)
    return batch["w"] * optax.softmax_cross_entropy_with_integer_labels(z, batch["y"]).mean(), {}

def train_all(seeds, arms):
    optimizer = optax.adam(1e-2)
    state = train.members(net.init, optimizer, jax.random.split(jax.random.key(0), seeds), arms)
    order = train.shuffled(jax.random.key(1), 96, 16)
    weights = np.tile(np.linspace(0.5, 1, arms, dtype=np.float32), (seeds, 1))
    own = {"noise": np.zeros((seeds, 96), np.float32)}
    more = {"numbers": {"w": weights}, "own": own}
    state, curves = train.fit(loss, optimizer, state, data, order, epochs=3, **more)
    return jax.tree.leaves(state.params), curves["loss"], np.asarray(state.step)

for seeds, arms in ((3, 2), (1, 4)):
    alone = train_all(seeds, arms)
    for text in ("", "members:4,data:2", "data:8"):
        mesh.use(text)
        split = train_all(seeds, arms)
        mesh._current.clear()
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(split), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
print("same")
"""


@pytest.mark.hosts
def test_eight_devices_give_the_numbers_of_one():
    found = subprocess.run(
        [sys.executable, "-c", ON_EIGHT_DEVICES], cwd=ROOT, capture_output=True, text=True
    )
    assert found.stdout == "same\n", found.stderr


def test_a_mesh_is_read_and_refused():
    assert mesh.parse("", 6) == {"members": 6, "data": 1}
    assert mesh.parse("data:2,members:4", 8) == {"members": 4, "data": 2}
    assert mesh.parse("data:8", 8) == {"members": 1, "data": 8}
    for text, said in (
        ("members:3", "--mesh=members:3 is of 3 devices: there are 8"),
        ("rows:8", "--mesh=rows:8: 'rows:8' is unknown; expected like members:4,data:2"),
        ("members:0", "'members:0' is unknown"),
        ("members:-8", "'members:-8' is unknown"),
        ("members", "'members' is unknown"),
    ):
        with pytest.raises(InputError, match=said):
            mesh.parse(text, 8)


def hosts(count, workdir, *flags):
    """The processes of one run of the quickstart on several hosts, all of them this machine.

    What they print goes to workdir/host-N.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "experiments.quickstart", f"--workdir={workdir}", *flags]
    workdir.mkdir()
    return [
        subprocess.Popen(
            [*command, f"--coordinator=127.0.0.1:{port}", f"--hosts={count}", f"--host={host}"],
            cwd=ROOT, stdout=open(workdir / f"host-{host}", "w"), stderr=subprocess.STDOUT,
        )
        for host in range(count)
    ]  # fmt: skip


def records(workdir):
    (path,) = pathlib.Path(workdir).glob("quickstart/*/records.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.hosts
def test_two_hosts_write_what_one_writes(tmp_path):
    flags = "--preset=smoke", "--teacher_epochs=1", "--student_epochs=2"
    alone = [
        sys.executable,
        "-m",
        "experiments.quickstart",
        f"--workdir={tmp_path / 'one'}",
        *flags,
    ]
    subprocess.run(alone, cwd=ROOT, check=True, capture_output=True)
    running = hosts(2, tmp_path / "two", *flags)
    ended = [process.wait(timeout=60) for process in running]
    first, second = ((tmp_path / "two" / f"host-{host}").read_text() for host in range(2))
    assert ended == [0, 0], first + second
    assert "records, table and figures" in first and "records" not in second
    one, two = records(tmp_path / "one"), records(tmp_path / "two")
    assert len(one) == len(two) > 0
    for a, b in zip(one, two):
        assert a.keys() == b.keys()
        for name in a:
            if isinstance(a[name], float):
                np.testing.assert_allclose(a[name], b[name], atol=1e-5)
            else:
                assert a[name] == b[name], name


@pytest.mark.hosts
def test_a_lost_host_ends_the_others_with_one_line(tmp_path):
    flags = "--preset=smoke", "--teacher_epochs=1000000"
    first, second = hosts(2, tmp_path / "run", *flags)
    said, deadline = tmp_path / "run" / "host-0", time.monotonic() + 90
    while "loss" not in said.read_text() and time.monotonic() < deadline:
        assert first.poll() is None and second.poll() is None, said.read_text()
        time.sleep(0.5)
    second.kill()
    second.wait()
    assert first.wait(timeout=60) == 1
    assert "error: another host of this run was lost" in said.read_text()
    assert "it goes on where it was" in said.read_text()
