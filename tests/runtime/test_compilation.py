"""The cache of compiled programs: no lock, no word, no more than its size, and no need of it."""

import os
import subprocess
import sys

import pytest

from kd_jax.runtime import compilation

PROGRAM = """
import jax
from kd_jax.runtime import compilation
compilation.cache_programs()
print(jax.jit(lambda x: 3 * x + 4)(5.0))
"""


def said(home):
    """(what a process prints, what it says besides) whose cache lies in a folder."""
    known = {name: x for name, x in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=known | {"XDG_CACHE_HOME": str(home)},
        capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A cache with a program in it."""
    folder = tmp_path_factory.mktemp("home")
    assert said(folder) == ("19.0\n", "")
    assert list((folder / "kd_jax").glob("*-cache"))
    return folder


def test_half_a_program_is_compiled_again_without_a_word(home):
    for path in (home / "kd_jax").glob("*-cache"):
        path.write_bytes(path.read_bytes()[:-40])
    assert said(home) == ("19.0\n", "")


def test_a_lock_that_another_holds_is_not_waited_for(home):
    filelock = pytest.importorskip("filelock")
    with filelock.FileLock(home / "kd_jax" / ".lockfile"):
        assert said(home) == ("19.0\n", "")


def test_what_was_not_used_for_longest_is_removed(tmp_path):
    for number, name in enumerate("abcd"):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 + number, 1000 + number))
    os.utime(tmp_path / "a", (2000, 1000))  # read since
    compilation.prune(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]
    compilation.prune(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]
    compilation.prune(tmp_path / "absent", 25)
