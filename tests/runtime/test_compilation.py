"""The cache of compiled programs (no lock, no word, nobody else's, a size) and quick programs."""

import os
import subprocess
import sys
import tempfile

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


def test_programs_are_not_read_where_others_can_write(tmp_path, monkeypatch):
    """The home's folder comes first, then that in /tmp, where anybody may have been before."""
    temporary, uid = tmp_path / "tmp", os.getuid()
    temporary.mkdir()
    monkeypatch.setattr(compilation.tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    home, fallback = tmp_path / "home" / "kd_jax", temporary / f"kd_jax-{uid}"
    assert compilation._writable_folder() == home
    assert home.stat().st_mode & 0o777 == 0o700 and not fallback.exists()
    home.chmod(0o770)  # of a group
    assert compilation._writable_folder() == fallback
    assert fallback.stat().st_mode & 0o777 == 0o700
    fallback.chmod(0o702)  # of everybody
    assert compilation._writable_folder() is None
    home.chmod(0o755)  # to be read by others
    assert compilation._writable_folder() == home


@pytest.mark.skipif(os.getuid() != 0, reason="needs the right to give files away")
def test_programs_are_not_read_where_another_user_leads(tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir(mode=0o700)
    theirs.symlink_to(mine)
    assert compilation._is_ours(theirs)
    os.lchown(theirs, 65534, -1)
    assert not compilation._is_ours(theirs)
    os.chown(mine, 65534, -1)
    assert not compilation._is_ours(mine)


@pytest.mark.skipif(os.getuid() != 0, reason="needs the right to give files away")
def test_programs_are_not_read_below_a_folder_of_another_user(tmp_path):
    """Who owns a folder above may put another in the place of ours."""
    ours = tmp_path / "theirs" / "cache" / "kd_jax"
    ours.mkdir(parents=True, mode=0o700)
    assert compilation._is_ours(ours)
    os.chown(tmp_path / "theirs", 65534, -1)
    assert not compilation._is_ours(ours)
    (tmp_path / "link").symlink_to(ours)
    assert not compilation._is_ours(tmp_path / "link")
    os.chown(tmp_path / "theirs", 0, -1)
    (tmp_path / "theirs").chmod(0o777)
    assert not compilation._is_ours(ours)
    (tmp_path / "theirs").chmod(0o1777)  # as /tmp: everybody has their own there
    assert compilation._is_ours(ours)


def test_a_home_in_other_characters_has_no_cache(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "XDG_CACHE_HOME", str(tmp_path / "\udcff"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "\udcfe"))
    assert compilation._writable_folder() is None and not list(tmp_path.iterdir())


def test_what_is_compiled_quickly_gives_the_same_alone_and_within_another_program():
    quick = compilation.quick_jit(lambda x, count: x[:count], static_argnames="count")
    x = np.arange(5)
    np.testing.assert_array_equal(quick(x, count=2), [0, 1])
    np.testing.assert_array_equal(jax.jit(lambda x: quick(x, count=3) + 1)(x), [1, 2, 3])
