"""What JAX and XLA cannot work with in the environment is one line, exit code 2, before work."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest
from refusals import refused

from kd_jax.runtime import environment

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize(
    "flags, line",
    [
        ("--nonsense", "XLA_FLAGS=--nonsense: XLA refuses it .Unknown flag"),
        ("nonsense", "XLA_FLAGS=nonsense: XLA refuses it .Could not open"),
    ],
)
def test_flags_that_xla_would_end_this_process_for(monkeypatch, flags, line):
    monkeypatch.setenv("XLA_FLAGS", flags)
    refused(line, environment.check)


def test_flags_that_xla_knows_are_none_of_our_business(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    environment.check()
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.setattr(subprocess, "run", None)  # nobody is asked
    environment.check()


def test_a_variable_in_other_characters_is_told(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setitem(os.environ, "JAX_COMPILATION_CACHE_DIR", "\udcff")
    refused(r"the variable JAX_COMPILATION_CACHE_DIR=\\udcff is not UTF-8", environment.check)


def test_settings_under_which_programs_here_fail_are_told(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    with jax.disable_jit(), jax.numpy_rank_promotion("warn"):
        refused("JAX_DISABLE_JIT=True: expected False; unset it", environment.check)
    with jax.numpy_dtype_promotion("strict"):
        refused("JAX_NUMPY_DTYPE_PROMOTION=strict: expected standard", environment.check)
    with jax.transfer_guard("disallow"):
        refused("JAX_TRANSFER_GUARD=disallow: expected allow or log", environment.check)


def test_what_jax_itself_refuses_is_one_line_of_a_command():
    world = os.environ | {"JAX_ENABLE_X64": "maybe", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "experiments", "people", "--preset=smoke"], env=world, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr == (
        "error: JAX cannot begin (invalid truth value 'maybe' for environment 'JAX_ENABLE_X64'): "
        "correct that or unset it\n"
    )
