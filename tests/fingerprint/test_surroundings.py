"""What numbers depend on besides code, settings and data."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from kd_jax import fingerprint

ROOT = pathlib.Path(__file__).parents[2]
USUAL = ("JAX_DISABLE_MOST_OPTIMIZATIONS", "JAX_ENABLE_X64", "XLA_FLAGS")


def of_process(**variables):
    """The "numerics" of another process."""
    code = "import json, kd_jax as kd; print(json.dumps(kd.fingerprint.surroundings()))"
    known = {name: x for name, x in os.environ.items() if name not in USUAL}
    environment = {**known, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)["numerics"]


def test_options_count_where_they_are_set(monkeypatch):
    """In the environment, here of another process; where there are none, nothing counts."""
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    given = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    try:
        assert fingerprint.surroundings()["numerics"] == {}
    finally:
        jax.config.update("jax_disable_most_optimizations", given)
    assert of_process(JAX_ENABLE_X64="1", JAX_DISABLE_MOST_OPTIMIZATIONS="1") == {
        "jax_enable_x64": True,
        "jax_disable_most_optimizations": True,
    }


def test_options_of_a_process_count_while_they_are_set():
    usual = fingerprint.surroundings()["numerics"]
    with jax.enable_x64(True):
        assert fingerprint.surroundings()["numerics"] == {**usual, "jax_enable_x64": True}
    with jax.default_matmul_precision("float32"):
        found = fingerprint.surroundings()["numerics"]
        assert found == {**usual, "jax_default_matmul_precision": "float32"}
    with jax.numpy_dtype_promotion("strict"):
        found = json.loads(json.dumps(fingerprint.surroundings()))["numerics"]
        assert found == {**usual, "jax_numpy_dtype_promotion": "strict"}
    assert fingerprint.surroundings()["numerics"] == usual


@pytest.mark.parametrize(
    "flags, counted",
    [
        ("--xla_dump_to=a --xla_force_host_platform_device_count=4", None),
        ("--xla_b=1  --xla_a=2 --xla_b=3", "--xla_a=2 --xla_b=3"),
    ],
)
def test_flags_of_xla_count_unless_no_number_depends_on_them(monkeypatch, flags, counted):
    monkeypatch.setenv("XLA_FLAGS", flags)
    assert fingerprint.surroundings()["numerics"].get("XLA_FLAGS") == counted


def test_versions_are_those_of_the_packages_that_compute():
    found = fingerprint.surroundings()["versions"]
    assert set(found) == {"jax", "jaxlib", "flax", "optax", "numpy"}
    assert (found["jax"], found["numpy"]) == (jax.__version__, np.__version__)
