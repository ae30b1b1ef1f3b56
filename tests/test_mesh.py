"""Many devices and hosts: the numbers of one, and the end of a run that lost a host."""

import json
import pathlib
import signal
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

for seeds, arms in ((3, 2), (8, 1), (1, 4)):
    alone = train_all(seeds, arms)
    for text in ("", "members:4,data:2", "data:8", "data:4,members:2"):
        mesh.use(text)
        split = train_all(seeds, arms)
        mesh._current.clear()
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(split), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
print("same")
"""


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
    """The processes of one run of the quickstart on several hosts, all of them this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "experiments.quickstart", f"--workdir={workdir}", *flags]
    return [
        subprocess.Popen(
            [*command, f"--coordinator=127.0.0.1:{port}", f"--hosts={count}", f"--host={host}"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for host in range(count)
    ]  # fmt: skip


def records(workdir):
    (path,) = pathlib.Path(workdir).glob("quickstart/*/records.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


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
    said = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert "records, table and figures" in said[0][0] and said[1][0] == ""
    one, two = records(tmp_path / "one"), records(tmp_path / "two")
    assert len(one) == len(two) > 0
    for a, b in zip(one, two):
        assert a.keys() == b.keys()
        for name in a:
            if isinstance(a[name], float):
                np.testing.assert_allclose(a[name], b[name], atol=1e-5)
            else:
                assert a[name] == b[name], name


def test_a_lost_host_ends_the_others_and_the_run_goes_on_afterwards(tmp_path):
    first, second = hosts(2, tmp_path, "--preset=smoke", "--teacher_epochs=100000")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("quickstart/*/config.json")) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(6)  # by now both are training
    assert first.poll() is None and second.poll() is None
    second.send_signal(signal.SIGKILL)
    second.communicate()
    _, said = first.communicate(timeout=60)
    assert first.returncode == 1, said
    assert "error: another host of this run was lost" in said
    assert "it goes on where it was" in said
