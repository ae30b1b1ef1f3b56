"""Several hosts: the records of one, data read in parts, and the end of a run that lost a host."""

import collections
import pathlib
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from kd_jax.metrics import examples
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[2]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def processes(count, workdir, *flags):
    """The processes of one run of the quickstart, as on several hosts; what N prints: process-N."""
    port = free_port()
    command = [sys.executable, "-m", "experiments", "quickstart", f"--workdir={workdir}", *flags]
    workdir.mkdir()
    return [
        subprocess.Popen(
            [*command, f"--coordinator_address=127.0.0.1:{port}",
             f"--num_processes={count}", f"--process_id={process}", "--coordinator_seconds=120"],
            cwd=ROOT, stdout=open(workdir / f"process-{process}", "w"), stderr=subprocess.STDOUT,
        )
        for process in range(count)
    ]  # fmt: skip


SHORT = "--preset=smoke", "--teacher_epochs=1", "--student_epochs=2"


def records(workdir):
    (path,) = pathlib.Path(workdir).glob("quickstart/*/records.jsonl")
    return jsonl.records(path.parent)


@pytest.fixture(scope="module")
def of_one_host(tmp_path_factory):
    """The records of the quickstart on one host, and those of another base seed."""
    found = []
    for seed in ("0", "1"):
        workdir = tmp_path_factory.mktemp(f"one{seed}")
        command = [sys.executable, "-m", "experiments", "quickstart", f"--workdir={workdir}"]
        command += [f"--base_seed={seed}", *SHORT]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        found.append(records(workdir))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_several_hosts_write_what_one_writes(count, tmp_path, of_one_host):
    """What a product of fewer networks rounds is far below what another seed changes."""
    running = processes(count, tmp_path / "several", *SHORT)
    ended = [process.wait(timeout=400) for process in running]
    paths = (tmp_path / "several" / f"process-{process}" for process in range(count))
    first, *others = (path.read_text() for path in paths)
    assert ended == [0] * count, first + "".join(others)
    assert "records, table and figures" in first and not any("records" in x for x in others)
    one, other_seed = of_one_host
    several = records(tmp_path / "several")
    by_layout, by_seed = differences(one, several), differences(one, other_seed)
    assert by_layout.keys() == by_seed.keys()
    assert sum(of_seed > 0 for of_seed in by_seed.values()) > 10
    for name, of_seed in by_seed.items():  # a temperature is the same for all
        assert by_layout[name] <= of_seed / 10, (name, by_layout[name], of_seed)


def differences(one, other):
    """By how much the records of two runs differ, for each name of a number: of all, r.m.s."""
    assert len(one) == len(other) > 0
    found = collections.defaultdict(list)
    for a, b in zip(one, other):
        assert a.keys() == b.keys()
        for name in a.keys() - {"check", "base_seed"}:
            if name.endswith("_right"):  # the part of the examples that change sides
                changed = examples.unpacked(a[name]) != examples.unpacked(b[name])
                found[name].append(changed.mean())
            elif isinstance(a[name], float) or name.endswith("_errors"):
                found[name].append(a[name] - b[name])
            else:
                assert a[name] == b[name], name
    return {name: float(np.sqrt(np.mean(np.square(each)))) for name, each in found.items()}


@pytest.mark.slow
def test_a_lost_host_ends_the_others_with_one_line(tmp_path):
    flags = "--preset=smoke", "--teacher_epochs=1000000"
    first, second = processes(2, tmp_path / "run", *flags)
    said, deadline = tmp_path / "run" / "process-0", time.monotonic() + 90
    while "loss" not in said.read_text() and time.monotonic() < deadline:
        assert first.poll() is None and second.poll() is None, said.read_text()
        time.sleep(0.5)
    second.kill()
    second.wait()
    assert first.wait(timeout=60) == 1
    assert "error: another process of this run was lost" in said.read_text()
    assert "they resume where they were" in said.read_text()


STREAMED = """
import sys
import jax
from kd_jax.runtime import hosts
from kd_jax.runtime.execution import Execution
address, count, process, folder, epochs = sys.argv[1:]
if int(count) > 1:
    hosts.join(address, int(count), int(process), 120)
mesh = f"data:{count}" if int(count) > 1 else ""
import numpy as np
import optax
from kd_jax import models
from kd_jax.storage import checkpoint
from kd_jax.training import samplers, streaming, state as train_state

x = np.random.default_rng(0).normal(size=(640, 6)).astype(np.float32)
read = set()

class Source:
    def __len__(self):
        return 640
    def __getitem__(self, row):
        read.add(row)
        return {"x": x[row], "y": np.int32(x[row].sum() > 0)}

def loss(variables, batch, key):
    z = net.logits(variables, batch.rows["x"])
    hard = optax.softmax_cross_entropy_with_integer_labels(z, batch.rows["y"])
    return train_state.Outcome(hard.mean())

net = models.functional(models.MLP((5,), 2), (6,))
optimizer = optax.adam(1e-3)
state = train_state.members(net.init, optimizer, jax.random.key(0)[None], 1)
stream = streaming.Stream(Source(), samplers.scattered(jax.random.key(1), 640, 16))
snapshots = checkpoint.Snapshots(folder, {"of": "this"}, every=1.0)

def report(done, curves):
    if hosts.first_host():
        print("epoch", done, flush=True)

try:
    state, curves = streaming.fit(loss, optimizer, state, stream, epochs=int(epochs),
                                  report=report, execution=Execution(mesh, snapshots=snapshots))
except Exception as error:
    hosts.leave(error)
    raise
losses = curves["loss"].ravel()
print("end", len(read), float(losses[0]), float(losses[-1]), flush=True)
"""


def streamed(count, folder, epochs):
    """The processes of a training from disk, each of which writes to folder/process-N."""
    arguments = [f"127.0.0.1:{free_port()}", str(count)]
    kept = str(folder / "kept")
    return [
        subprocess.Popen(
            [sys.executable, "-c", STREAMED, *arguments, str(process), kept, epochs],
            cwd=ROOT, stdout=open(folder / f"process-{process}", "w"), stderr=subprocess.STDOUT,
        )
        for process in range(count)
    ]  # fmt: skip


def said(folder, process):
    return (folder / f"process-{process}").read_text().splitlines()


@pytest.mark.slow
def test_hosts_read_their_part_of_each_batch_and_go_on_after_one_was_lost(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (alone,) = streamed(1, tmp_path / "one", "60")
    assert alone.wait(timeout=60) == 0
    first, second = streamed(2, tmp_path / "two", "60")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        seals = (tmp_path / "two" / "kept").glob("*.seal")
        if any(int(seal.stem) >= 3 * 40 for seal in seals):  # three epochs of 40 steps
            break
        time.sleep(0.1)
    second.kill()
    assert first.wait(timeout=60) == 1
    assert any("another process of this run was lost" in x for x in said(tmp_path / "two", 0))
    again = streamed(2, tmp_path / "two", "60")
    assert [process.wait(timeout=90) for process in again] == [0, 0]
    epochs = [x for x in said(tmp_path / "two", 0) if x.startswith("epoch")]
    assert 0 < len(epochs) <= 57 and epochs[-1] == "epoch 60"
    one, two = (said(tmp_path / name, 0)[-1].split() for name in ("one", "two"))
    np.testing.assert_allclose([float(x) for x in two[2:]], [float(x) for x in one[2:]], atol=1e-5)
    assert (one[0], one[1], two[0]) == ("end", "640", "end")


@pytest.mark.slow
def test_a_host_reads_half_of_the_rows_of_an_epoch(tmp_path):
    running = streamed(2, tmp_path, "1")
    assert [process.wait(timeout=90) for process in running] == [0, 0]
    halves = [int(said(tmp_path, host)[-1].split()[1]) for host in range(2)]
    # 40 batches of 16, 8 for each, and the rest of the batch that showed the first host its shape
    assert all(320 <= half <= 328 for half in halves)
