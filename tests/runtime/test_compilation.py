"""The cache of compiled programs, without a lock and a word, and quick programs."""

import os
import subprocess
import sys

import filelock
import jax
import numpy as np
import pytest

from kd_jax.runtime import compilation

PROGRAM = """
import sys
import jax
from kd_jax.runtime import compilation
compilation.cache_programs()
for line in sys.stdin:
    jax.clear_caches()
    print(jax.jit(lambda x: 3 * x + 4)(5.0), flush=True)
"""


class Process:
    """A process whose cache lies in a folder; it compiles a program whenever it is asked."""

    def __init__(self, home):
        known = {name: x for name, x in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
        self.errors = home / "errors"
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=known | {"XDG_CACHE_HOME": str(home)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.errors, "w"),
        )  # fmt: skip

    def said(self):
        """(what it prints for a program, what it says besides)."""
        print(file=self.process.stdin, flush=True)
        return self.process.stdout.readline(), self.errors.read_text()


def test_neither_half_a_program_nor_a_lock_of_another_is_a_word(tmp_path):
    asked = Process(tmp_path)
    assert asked.said() == ("19.0\n", "")
    kept = list((tmp_path / "kd_jax").glob("*-cache"))
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:-40])
    assert asked.said() == ("19.0\n", "")  # compiled again
    with filelock.FileLock(tmp_path / "kd_jax" / ".lockfile"):
        assert asked.said() == ("19.0\n", "")  # not waited for
    asked.process.communicate()


def test_what_is_compiled_quickly_gives_the_same_alone_and_within_another_program():
    quick = compilation.quick_jit(lambda x, count: x[:count], static_argnames="count")
    x = np.arange(5)
    np.testing.assert_array_equal(quick(x, count=2), [0, 1])
    np.testing.assert_array_equal(jax.jit(lambda x: quick(x, count=3) + 1)(x), [1, 2, 3])


LIBRARY = """
import jax
from kd_jax.runtime import compilation
jax.jit(lambda x: x + 1)(1.0)
program = compilation.kept_jit(lambda x: 3 * x + 4)
print(program(5.0), program(6.0))
jax.jit(lambda x: x * x)(3.0)
print(jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs)
"""


@pytest.mark.parametrize("said, kept", [({}, 1), ({"JAX_COMPILATION_CACHE_DIR": ""}, 0)])
def test_a_library_keeps_its_own_programs_and_leaves_jax_as_it_was(tmp_path, said, kept):
    """Of three programs that are compiled one is the library's; in the next process it is read."""
    known = {name: x for name, x in os.environ.items() if not name.startswith(("JAX_C", "JAX_PER"))}
    for _ in range(2):
        found = subprocess.run(
            [sys.executable, "-c", LIBRARY], text=True, capture_output=True, check=True,
            env=known | {"XDG_CACHE_HOME": str(tmp_path)} | said,
        )  # fmt: skip
        before = "None" if not said else ""
        assert found.stdout.split("\n")[:2] == ["19.0 22.0", f"{before} 1.0"]
        assert len(list(tmp_path.glob("kd_jax/*-cache"))) == kept and not found.stderr


def test_a_folder_that_was_said_already_is_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setattr(compilation, "_keep", lambda settings: pytest.fail("changed"))
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    try:
        with compilation.kept_programs():
            assert jax.config.jax_compilation_cache_dir == str(tmp_path)
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
