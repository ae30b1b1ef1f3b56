"""Broken input is read or refused in one line: no traceback, no hang, no huge array."""

import gzip
import io
import json
import os
import struct
import tarfile
import wave

import fuzzing
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.quickstart import run as quickstart
from kd_jax import experiment
from kd_jax.data import cifar100, idx, people, spoken_digits
from kd_jax.errors import InputError
from kd_jax.storage import array_cache, jsonl

SHAPE = 3, 4, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def idx_file():
    values = np.arange(48, dtype=np.uint8).tobytes()
    return struct.pack(">4B3I", 0, 0, 8, 3, *SHAPE) + values


def wav_file(count=30):
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(np.arange(count, dtype="<i2").tobytes())
    return file.getvalue()


def archive(members):
    """The bytes of an uncompressed tar with such {name: content}."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as written:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            written.addfile(info, io.BytesIO(content))
    return file.getvalue()


@fuzzing.many
@given(content=fuzzing.damaged(idx_file()), packed=st.booleans(), outside=fuzzing.EDITS)
def test_idx(folder, content, packed, outside):
    """Damage within the compressed data, and outside."""
    path = folder / "images.gz"
    found = gzip.compress(content, 1) if packed else content
    path.write_bytes(fuzzing.edited(found, outside))
    read = fuzzing.read_or_refused(idx.read, path, SHAPE)
    assert read is None or (read.shape == SHAPE and read.dtype == np.uint8)


def test_an_idx_header_that_claims_terabytes_is_refused_before_they_are_asked_for(folder):
    path = folder / "huge.gz"
    path.write_bytes(gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 2**20, 2**10, 2**10)))
    assert fuzzing.read_or_refused(idx.read, path, SHAPE) is None


@fuzzing.many
@given(content=fuzzing.damaged(wav_file()))
def test_wav(content):
    read = fuzzing.read_or_refused(spoken_digits.samples, content, "a recording")
    assert read is None or (len(read) and np.abs(read).max() <= 1)


RECORDINGS = archive({f"d/recordings/{digit}_ann_0.wav": wav_file() for digit in range(2)})


@fuzzing.many
@given(content=fuzzing.damaged(RECORDINGS), outside=fuzzing.EDITS)
def test_archives_of_recordings(folder, content, outside):
    path = folder / "recordings.tar.gz"
    path.write_bytes(fuzzing.edited(gzip.compress(content, 1), outside))
    fuzzing.read_or_refused(spoken_digits._read, path)


@pytest.mark.parametrize("name", ["../0_ann_0.wav", "/tmp/0_ann_0.wav", "a/../../0_ann_0.wav"])
def test_a_member_outside_of_its_archive_is_refused(folder, name):
    path = folder / "outside.tar.gz"
    path.write_bytes(gzip.compress(archive({name: wav_file()})))
    assert fuzzing.read_or_refused(spoken_digits._read, path) is None


@fuzzing.many
@given(content=fuzzing.damaged(archive({"cifar-100-binary/train.bin": b"ab" * 300})))
def test_archives_of_images(folder, content):
    path = folder / "cifar.tar.gz"
    path.write_bytes(gzip.compress(content, 1))
    assert fuzzing.read_or_refused(cifar100.read, path) is None


PERSON = st.text(st.sampled_from("0123456789.,-+eEnaif \t_x\u0661"), max_size=40)


@fuzzing.many
@given(
    text=st.one_of(
        PERSON, fuzzing.damaged(b"-1,0.36,1,0,0,0.445").map(lambda b: b.decode("latin1"))
    )
)
def test_rows_of_people(text):
    read = fuzzing.read_or_refused(people.parse_person, text, "--predict")
    assert read is None or (read.shape == (6,) and np.isfinite(read).all())


LINES = jsonl.text([{"row": "a", "seed": s, "x": [0.5, "ü"]} for s in range(3)]).encode()


@fuzzing.many
@given(content=fuzzing.damaged(LINES))
def test_records(folder, content):
    path = folder / "records.jsonl"
    path.write_bytes(content)
    read = fuzzing.read_or_refused(jsonl.read, path)
    assert read is None or all(r["row"] == "a" for r in read[1])


@pytest.mark.parametrize("line", ["[1]", "[]", "3", "null", '"a"', '{"check": 5}', '{"check": ""}'])
def test_lines_that_are_json_of_another_kind(folder, line):
    path = folder / "other.jsonl"
    path.write_bytes(line.encode() + b"\n" + LINES)
    with pytest.raises(InputError, match="line 1 is damaged .*: delete that run folder"):
        jsonl.read(path)


def test_records_that_nest_deeper_than_python_does(folder):
    path = folder / "deep.jsonl"
    path.write_text("[" * 100_000 + "\n")
    assert fuzzing.read_or_refused(jsonl.read, path) is None


def outputs_file():
    file = io.BytesIO()
    facts = np.frombuffer(json.dumps({"of": 1, "digest": "x"}).encode(), np.uint8)
    np.savez(file, logits=np.zeros((2, 3)), facts=facts)
    return file.getvalue()


@fuzzing.many
@given(content=fuzzing.damaged(outputs_file()))
def test_outputs_of_teachers(folder, content):
    path = folder / "outputs.npz"
    path.write_bytes(content)
    assert (
        fuzzing.read_or_refused(array_cache._read, path, {"of": 1}) is None
    )  # the digest is wrong


def test_a_pickle_is_never_loaded(folder):
    path = folder / "outputs.npz"

    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(folder / "harm"),)

    with open(path, "wb") as file:
        np.savez(file, facts=np.array([Harmful()], object))
    assert fuzzing.read_or_refused(array_cache._read, path, {"of": 1}) is None
    assert not (folder / "harm").exists()


NAMES = st.sampled_from(["seeds", "temperatures", "preset", "teacher_width", "mesh", "hosts", "x"])
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "1", "-1", "nan", "inf", "1e400", "1,2", ",", "9" * 400, "smoke", "true"]),
)


@fuzzing.many
@given(
    given_flags=st.lists(st.tuples(NAMES, VALUES), max_size=4), words=st.lists(VALUES, max_size=1)
)
def test_flags(given_flags, words):
    arguments = [f"--{name}={value}" for name, value in given_flags] + words
    arguments = [text for text in arguments if text not in ("--help", "-h", "--helpshort")]
    found = fuzzing.read_or_refused(experiment.parse, quickstart.Config, ["experiment", *arguments])
    assert found is None or found.seeds >= 1
