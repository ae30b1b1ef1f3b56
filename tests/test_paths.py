"""Paths that somebody gives: what no file can be called is one line, wherever it is given."""

import pathlib

import pytest
from refusals import refused

import kd_jax as kd
from kd_jax import paths
from kd_jax.command import read_data
from kd_jax.distill import teacher_files

ODD = [
    ("~nobody-of-this-name/x", "is no path .Could not determine home directory"),
    ("a" * 300, "is no path .File name too long"),
    ("x\0y", "is no path .embedded null"),
    (5, "5 is no path: expected a text"),
    (None, "None is no path"),
    (b"x", "b'x' is no path"),
    (["a"], "is no path: expected a text"),
]


@pytest.mark.parametrize("path, line", ODD, ids=lambda x: repr(x)[:20])
def test_what_no_file_can_be_called_is_one_line(path, line):
    refused(line, paths.given, path)
    for reader in (kd.load, *_of_texts()):
        refused(line, reader, path)
    refused(line, teacher_files.read, "mine", path)
    name = f"{path}.npz" if isinstance(path, str) else path
    refused(f"{line}|does not exist", read_data.read_data, name)


def _of_texts():
    try:
        from kd_jax.pretrained import gguf
    except Exception:  # the extra text is not installed
        return []
    return [kd.Encoder, gguf.load]


def test_what_is_there_or_may_come_is_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.given("~/x") == tmp_path / "x" == paths.given(tmp_path / "x")
    (tmp_path / "file").touch()
    assert paths.given(pathlib.Path("~/file/below")) == tmp_path / "file" / "below"
