"""A folder is written whole; only what was written there before, and is unchanged, is replaced."""

import os
import pathlib
import re
import subprocess
import sys
import time

import pytest
from refusals import refused

from kd_jax.command import out_folder
from kd_jax.errors import InputError
from kd_jax.export import folders


def write(out, by=folders.RUN, **files):
    with folders.written_whole(out, by) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)


def held(out):
    return {path.name: path.read_text() for path in out.iterdir() if path.name != folders.LIST}


def test_what_was_written_is_replaced_whole(tmp_path):
    write(tmp_path / "out", a="1", b="2")
    (tmp_path / "out" / "__pycache__").mkdir()  # as by running a program that lies there
    (tmp_path / "out" / "__pycache__" / "a.pyc").write_bytes(b"")
    write(tmp_path / "out", a="3")
    assert held(tmp_path / "out") == {"a": "3"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_of_anybody_else_is_replaced(tmp_path):
    out = tmp_path / "out"
    write(out, a="1", b="2")
    (out / "notes.txt").write_text("mine")
    refused(re.escape("out holds other files (notes.txt)"), write, out, a="3")
    (out / "notes.txt").unlink()
    (out / "a").write_text("edited")
    refused(re.escape("out holds files that were changed (a)"), write, out, a="3")
    assert held(out) == {"a": "edited", "b": "2"}
    (out / "__pycache__").mkdir()
    (out / "__pycache__" / "thesis.txt").write_text("mine")
    refused(re.escape("out holds other files (__pycache__/thesis.txt)"), write, out, a="3")
    (out / "__pycache__" / "thesis.txt").unlink()
    (out / ".git").mkdir()
    refused(re.escape("out holds other files (.git)"), write, out, a="3")
    (out / ".git").rmdir()
    (out / "a").unlink()
    write(out, a="3")  # what is gone is not lost by it
    assert held(out) == {"a": "3"}


@pytest.mark.parametrize("first, then", [(folders.RUN, "x.save"), ("x.save", folders.RUN)])
def test_what_another_kind_of_work_has_written_is_left_as_it_is(tmp_path, first, then):
    out = tmp_path / "out"
    for _ in range(2):
        write(out, first, a="1", b="2")
    line = f"out was written by {first}: {then} replaces only what it has written itself"
    refused(re.escape(line), write, out, then, a="3")
    assert held(out) == {"a": "1", "b": "2"}
    for path in out.iterdir():
        path.unlink()
    write(out, then, a="3")  # nothing is lost of an empty one
    assert held(out) == {"a": "3"}


def test_who_may_read_a_folder_stays(tmp_path):
    for mode in (0o700, 0o750, 0o755):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out").chmod(mode)
        write(tmp_path / "out", a=str(mode))
        assert (tmp_path / "out").stat().st_mode & 0o777 == mode
        assert held(tmp_path / "out") == {"a": str(mode)}


def test_a_file_or_a_folder_without_a_list_is_somebodys(tmp_path):
    (tmp_path / "file").write_text("mine")
    refused(re.escape("file is a file: expected a new folder"), write, tmp_path / "file", a="1")
    (tmp_path / "theirs" / "below").mkdir(parents=True)
    write(tmp_path / "theirs" / "below", a="1")  # which is empty
    refused(
        re.escape("theirs holds other files (below/.written.json, below/a)"),
        write,
        tmp_path / "theirs",
        a="1",
    )
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / folders.LIST).write_text("[")
    refused(re.escape("odd holds other files (.written.json)"), write, tmp_path / "odd", a="1")


def test_what_came_while_it_was_written_is_kept(tmp_path):
    line = re.escape("out holds other files (new.txt)")
    with pytest.raises(InputError, match=line), folders.written_whole(tmp_path / "out"):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "new.txt").write_text("mine")
    assert held(tmp_path / "out") == {"new.txt": "mine"}


def test_an_error_leaves_what_was_there(tmp_path):
    write(tmp_path / "out", a="1")
    with pytest.raises(KeyError), folders.written_whole(tmp_path / "out") as folder:
        (folder / "a").write_text("2")
        raise KeyError
    assert held(tmp_path / "out") == {"a": "1"} and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "out" / "a" / "below", a="1")


KILLED = """
import pathlib, sys, time
sys.path.insert(0, sys.argv[2])
from kd_jax.export import folders
out = pathlib.Path(sys.argv[1])
if sys.argv[3] == "replacing":  # between the two renames
    pathlib.Path.replace = lambda self, to: (
        self.rename(to) if to.name == "old" else (print("now", flush=True), time.sleep(60)))
with folders.written_whole(out) as folder:
    (folder / "a").write_text("2")
    if sys.argv[3] == "writing":
        print("now", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("when", ["writing", "replacing"])
def test_what_a_killed_process_left_is_cleared_and_what_it_moved_put_back(tmp_path, when):
    out, root = tmp_path / "out", pathlib.Path(folders.__file__).parents[2]
    write(out, a="1")
    (tmp_path / ".export-theirs").mkdir()
    command = [sys.executable, "-c", KILLED, str(out), str(root), when]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "now\n"
        write(tmp_path / "other", a="3")  # whose process lives: it is left alone
        assert len(list(tmp_path.glob(".export-*"))) == 2
        process.kill()
    time.sleep(0.1)
    write(tmp_path / "other", a="4")
    assert [path.name for path in tmp_path.glob(".export-*")] == [".export-theirs"]
    assert held(out) == {"a": "1"}


@pytest.mark.parametrize("name", [b"../victim", b"/tmp/victim", b"", b".", b"..", b"a\0b", b"x/y"])
def test_a_name_in_a_file_becomes_no_path(tmp_path, name):
    """Anybody may put such a folder where exports are written."""
    left = tmp_path / "p" / ".export-evil"
    (left / "old").mkdir(parents=True)
    (left / "old" / "keys").write_text("theirs")
    (left / ".lock").touch()
    (left / "name").write_bytes(name)
    write(tmp_path / "p" / "out", a="1")
    assert (left / "old" / "keys").read_text() == "theirs"
    assert {path.name for path in tmp_path.iterdir()} == {"p"}
    assert {path.name for path in (tmp_path / "p").iterdir()} == {"out", ".export-evil"}


def test_a_folder_with_somebodys_files_in_it_is_left(tmp_path):
    left = tmp_path / ".export-mine"
    left.mkdir()
    for name in (".lock", "name", "data.txt"):
        (left / name).write_text("mine")
    write(tmp_path / "out", a="1")
    assert (left / "data.txt").read_text() == "mine"


def test_the_folder_that_a_command_runs_in_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused("is the folder that this command runs in", write, ".", a="1")


def test_the_empty_folder_of_a_killed_check_is_cleared_when_it_is_old(tmp_path, monkeypatch):
    """An hour later; one that holds somebody's file, and one that is new, stay."""
    for name in ("old", "mine", "new"):
        (tmp_path / f"{folders.BESIDE}{name}" / "small").mkdir(parents=True)
    (tmp_path / f"{folders.BESIDE}mine" / "small" / "notes.txt").write_text("mine")
    now = time.time()
    for name in ("old", "mine"):
        os.utime(tmp_path / f"{folders.BESIDE}{name}", (now - 3600, now - 3600))
    out_folder.check(str(tmp_path / "deep" / "out"), [], [])
    assert sorted(x.name for x in tmp_path.iterdir()) == [".export-mine", ".export-new"]
    os.utime(tmp_path / f"{folders.BESIDE}new", (now - 3600, now - 3600))
    write(tmp_path / "out", a="1")
    assert sorted(x.name for x in tmp_path.iterdir()) == [".export-mine", "out"]


@pytest.mark.parametrize("out", ["no/../out", "a/no/../../out", "file/../out"])
def test_a_way_up_from_what_is_no_folder_is_one_line(tmp_path, out):
    (tmp_path / "a").mkdir()
    (tmp_path / "file").write_text("")
    refused(
        "is no folder, so that nothing is above it", out_folder.check, f"{tmp_path}/{out}", [], []
    )
    out_folder.check(f"{tmp_path}/a/../out", [], [])
