"""The folder of compiled programs: nobody else's, and of a bounded size."""

import os
import tempfile

import pytest

from kd_jax.runtime import program_folder


def test_what_was_not_used_for_longest_is_removed(tmp_path):
    for number, name in enumerate("abcd"):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 + number, 1000 + number))
    os.utime(tmp_path / "a", (2000, 1000))  # read since
    program_folder.prune(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]
    program_folder.prune(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]
    program_folder.prune(tmp_path / "absent", 25)


def test_programs_are_not_read_where_others_can_write(tmp_path, monkeypatch):
    """The home's folder comes first, then that in /tmp, where anybody may have been before."""
    temporary, uid = tmp_path / "tmp", os.getuid()
    temporary.mkdir()
    monkeypatch.setattr(program_folder.tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    home, fallback = tmp_path / "home" / "kd_jax", temporary / f"kd_jax-{uid}"
    assert program_folder.writable() == home
    assert home.stat().st_mode & 0o777 == 0o700 and not fallback.exists()
    home.chmod(0o770)  # of a group
    assert program_folder.writable() == fallback
    assert fallback.stat().st_mode & 0o777 == 0o700
    fallback.chmod(0o702)  # of everybody
    assert program_folder.writable() is None
    home.chmod(0o755)  # to be read by others
    assert program_folder.writable() == home


@pytest.mark.skipif(os.getuid() != 0, reason="needs the right to give files away")
def test_programs_are_not_read_where_another_user_leads(tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir(mode=0o700)
    theirs.symlink_to(mine)
    assert program_folder.is_ours(theirs)
    os.lchown(theirs, 65534, -1)
    assert not program_folder.is_ours(theirs)
    os.chown(mine, 65534, -1)
    assert not program_folder.is_ours(mine)


@pytest.mark.skipif(os.getuid() != 0, reason="needs the right to give files away")
def test_programs_are_not_read_below_a_folder_of_another_user(tmp_path):
    """Who owns a folder above may put another in the place of ours."""
    ours = tmp_path / "theirs" / "cache" / "kd_jax"
    ours.mkdir(parents=True, mode=0o700)
    assert program_folder.is_ours(ours)
    os.chown(tmp_path / "theirs", 65534, -1)
    assert not program_folder.is_ours(ours)
    (tmp_path / "link").symlink_to(ours)
    assert not program_folder.is_ours(tmp_path / "link")
    os.chown(tmp_path / "theirs", 0, -1)
    (tmp_path / "theirs").chmod(0o777)
    assert not program_folder.is_ours(ours)
    (tmp_path / "theirs").chmod(0o1777)  # as /tmp: everybody has their own there
    assert program_folder.is_ours(ours)


def test_a_home_in_other_characters_has_no_cache(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "XDG_CACHE_HOME", str(tmp_path / "\udcff"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "\udcfe"))
    assert program_folder.writable() is None and not list(tmp_path.iterdir())
