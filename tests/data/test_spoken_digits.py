"""Recordings are read as they were written; every bad archive is refused by name."""

import io
import tarfile
import wave

import numpy as np
import pytest

from kd_jax.data import spoken_digits
from kd_jax.errors import InputError


def wav(samples=b"\1\0" * 400, rate=8000, channels=1, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setframerate(rate)
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.writeframes(samples)
    return file.getvalue()


def archive(path, members):
    with tarfile.open(path, "w:gz") as out:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def refused(folder):
    with pytest.raises(InputError) as error:
        spoken_digits.load(manual_dir=folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_samples_are_read_as_written():
    values = np.array([0, 1, -1, 32767, -32768], "<i2")
    found = spoken_digits.samples(wav(values.tobytes()), "x.wav")
    np.testing.assert_array_equal(found, values / np.float32(32768))


@pytest.mark.parametrize(
    "content, word",
    [
        (b"RIFF", "no readable wav"),
        (wav()[:100], "claims"),
        (wav(rate=16000), "16000 Hz"),
        (wav(channels=2), "2 channels"),
        (wav(width=1), "8 bits"),
        (wav(b""), "claims 0"),
    ],
)
def test_a_bad_recording_is_refused_by_name(tmp_path, content, word):
    path = archive(tmp_path / "a.tar.gz", {"x/recordings/3_theo_7.wav": content})
    text = refused(tmp_path)
    assert "3_theo_7.wav" in text and str(path) in text and word in text


@pytest.mark.parametrize("name", ["../3_theo_7.wav", "/etc/3_theo_7.wav", "x/../../y.txt"])
def test_a_member_that_would_lie_outside_is_refused_by_name(tmp_path, name):
    archive(tmp_path / "a.tar.gz", {name: wav()})
    assert name in refused(tmp_path) and "outside" in refused(tmp_path)


def test_a_damaged_or_incomplete_archive_is_refused(tmp_path):
    path = archive(tmp_path / "a.tar.gz", {"3_theo_7.wav": wav()})
    assert "hold 1 recordings, expected 3000" in refused(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    assert str(path) in refused(tmp_path)
    path.write_bytes(b"no archive")
    assert f"{path} is damaged" in refused(tmp_path)
    path.unlink()
    assert "holds no .tar.gz" in refused(tmp_path)
    assert "is no folder" in refused(tmp_path / "nowhere")


def test_a_member_that_claims_too_much_is_refused_before_it_is_read(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as out:
        info = tarfile.TarInfo("3_theo_7.wav")
        info.size = 1 << 23
        out.addfile(info, io.BytesIO(bytes(1 << 23)))
    assert "3_theo_7.wav claims 8388608 bytes" in refused(tmp_path)
