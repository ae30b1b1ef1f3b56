"""Event files, read byte by byte as TensorBoard's format says, not by what wrote them."""

import re
import struct

import numpy as np

from experiments.quickstart import config as quickstart
from experiments.quickstart import report
from experiments.quickstart import run as program
from kd_jax import experiment
from kd_jax.storage import jsonl, run_folder


def frames(data):
    """The payloads of a TFRecord file: length, its checksum, payload, its checksum."""
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        yield data[12 : 12 + length]
        data = data[16 + length :]


def fields(message):
    """(number, value) of a protocol buffer: varints, 4 and 8 byte numbers, and bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield key >> 3, message[at : at + size]
        at += size


def scalars(folder):
    """{tag: {step: value}} of a folder.

    Event has step = 2 and summary = 5; Summary.Value has tag = 1 and simple_value = 2.
    """
    found = {}
    for path in folder.glob("events.out.tfevents.*"):
        for payload in frames(path.read_bytes()):
            event = dict(fields(payload))
            for number, value in fields(event.get(5, b"")):
                assert number == 1
                known = dict(fields(value))
                if 2 in known:
                    of_tag = found.setdefault(known[1].decode(), {})
                    of_tag[event.get(2, 0)] = struct.unpack("<f", known[2])[0]
    return found


def tag(name):
    """What TensorBoard allows in a name: letters, digits, -, _, . and /."""
    return re.sub(r"[^-/\w.]", "_", name)


def test_curves_and_records_are_scalars(tmp_path):
    here = run_folder.Run(tmp_path, "some", {}, tensorboard=True)
    curves = {"loss": np.array([[1.0, 3.0], [0.5, 0.5], [9.0, 9.0]])}
    assert here.folder.is_dir()  # events are written from its opening on
    here.execution.events.of_training("2 students", curves, 0, 2)
    here.append([{"row": "a", "part": "p", "seed": 3, "test_errors": 7, "names": ["x"]}])
    found = scalars(here.folder)
    assert found["2_students/loss"] == {1: 2.0, 2: 0.5}
    assert found["p/a/test_errors"] == {3: 7.0}
    assert len(found) == 2


def test_nothing_is_written_unless_wanted(tmp_path):
    here = run_folder.Run(tmp_path, "some", {})
    here.append([{"row": "a", "seed": 0, "x": 1}])
    assert not list(here.folder.glob("events*"))


def test_a_run_has_the_curves_of_every_training(tmp_path, monkeypatch):
    """All that the records say, and a loss for each of two epochs of teacher and students."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    few = dict(quickstart.Config.PRESETS["smoke"], temperatures=3.0, seeds=1, teacher_width=4)
    few |= dict(student_width=4, teacher_epochs=2, student_epochs=2, workdir=tmp_path)
    flags = [f"--{name}={value}" for name, value in few.items()]
    parts = program.run, report.table, lambda folder: None
    argv = ["quickstart", "--preset=smoke", *flags, "--tensorboard"]
    experiment.launch("quickstart", quickstart.Config, lambda: parts, argv)
    (folder,) = tmp_path.glob("quickstart/*")
    found = scalars(folder)
    assert found[tag("teacher, seed 0/loss")].keys() == {1, 2}
    assert found["5_students/loss"].keys() == {1, 2}
    records = jsonl.records(folder)
    assert len(records) == 6  # the teacher's and theirs
    for r in records:
        value = found[tag(f"{r['row']}/test_errors")][r["seed"]]
        assert value == r["test_errors"]
