"""An exported file is read again by a process of the kd_jax that wrote it."""

import pathlib
import subprocess

import numpy as np
import pytest

import kd_jax
from kd_jax.export import verify


def test_it_imports_the_kd_jax_that_wrote_the_file(tmp_path, monkeypatch):
    (tmp_path / "kd_jax").mkdir()
    (tmp_path / "kd_jax" / "__init__.py").write_text("somebody's folder of that name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    said, run = [], subprocess.run

    def located(command, **options):  # where it would be imported from: importing it takes seconds
        code = "import importlib.util; print(importlib.util.find_spec('kd_jax').origin)"
        said.append(run([command[0], "-c", code], **options).stdout.strip())
        return subprocess.CompletedProcess(command, 1, "", "stopped here")

    monkeypatch.setattr(subprocess, "run", located)
    with pytest.raises(kd_jax.errors.InputError, match="stopped here"):
        verify.logits_and_cost(pathlib.Path("student.safetensors"), np.zeros((1, 2)))
    assert said == [kd_jax.__file__]
