"""A publish that is killed, or fails, leaves all as it was; two do not work at once."""

import os
import subprocess
import sys

import pytest
from small_repository import TABLE, committed, finished

from kd_jax.errors import InputError
from kd_jax.report.publishing import in_place, publish, superseded

WHY = "soft targets got more steps"
# Copies of a clone, in each of which a process is killed before another one of its changes to
# files; then the run is published without a reason and, where that is asked for, with one.
KILLED = """
import os, pathlib, shutil, signal, sys
from kd_jax.errors import InputError
from kd_jax.report.publishing import publish

clone, run, why = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def contents(root):
    files = [path for path in root.rglob("*") if path.is_file() or "records." in path.name]
    return {path.relative_to(root).as_posix(): path.is_file() and path.read_bytes()
            for path in files if ".git" not in path.parts and "runs" not in path.parts}


def killed(root, number):
    '''Whether publishing was killed before so many changes.'''
    child = os.fork()
    if child == 0:
        left = [number]
        for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
            def change(*given, known=getattr(os, name), **more):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return known(*given, **more)
            setattr(os, name, change)
        publish.publish(root / "runs" / run, root=root, why=why)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def copied(name):
    root = clone.with_name(name)
    shutil.copytree(clone, root)
    return root


before = contents(clone)
done = copied("done")
publish.publish(done / "runs" / run, root=done, why=why)
after, number, asked = contents(done), 0, 0
while killed(root := copied(f"killed {number}"), number):
    try:
        publish.publish(root / "runs" / run, root=root)
    except InputError as error:
        assert "say in a line why" in str(error), error
        assert contents(root) == before, (number, contents(root).keys() ^ before.keys())
        publish.publish(root / "runs" / run, root=root, why=why)
        asked += 1
    assert contents(root) == after, (number, contents(root).keys() ^ after.keys())
    number += 1
    shutil.rmtree(root)
print(number, asked)
"""


@pytest.mark.parametrize("page", ["of before", pytest.param("new", marks=pytest.mark.slow)])
def test_a_publish_that_was_killed_anywhere_is_undone_by_the_next_or_was_done(root, replaced, page):
    """Of some 20 places most are before the last step, which lets the old record go."""
    folder, run = replaced
    if page == "of before":  # the same record was superseded once, and came back
        path = superseded.place(folder)
        path.parent.mkdir()
        path.write_text("Why: another reason\n", encoding="utf-8")
        publish.renew(root)
        committed(root)
    given = [sys.executable, "-c", KILLED, str(root), run.name, WHY]
    done = subprocess.run(given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    number, asked = map(int, done.stdout.split())
    assert 10 < asked < number


@pytest.mark.parametrize("kind", ["new", "old", "gone"])
def test_what_a_kill_left_half_deleted_is_no_record(root, replaced, kind):
    """Also where nothing stands there any more, as a record is never deleted half."""
    folder, _ = replaced
    left = folder.with_name(f".records.{kind}")
    left.mkdir()
    (left / "table.md").write_text("half of it")
    assert not in_place.recover(root)
    assert not left.exists() and (folder / "table.md").read_text() == TABLE


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_while_pages_are_written_is_undone(root, replaced, monkeypatch, error):
    folder, run = replaced

    def fails(root):
        raise error

    monkeypatch.setattr(publish.readmes, "write", fails)
    with pytest.raises((InputError, KeyboardInterrupt)):
        publish.publish(run, root=root, why=WHY)
    assert (folder / "table.md").read_text() == TABLE
    assert not superseded.place(folder).parent.exists()
    assert not list(folder.parent.glob(".records*"))


def test_a_first_record_whose_pages_fail_is_not_left(root, monkeypatch):
    monkeypatch.setattr(publish.readmes, "write", lambda root: 1 / 0)
    with pytest.raises(InputError, match="one cannot be shown on a page .division by zero"):
        publish.publish(finished(root), root=root)
    assert not list(root.glob("experiments/small/*records*"))


HELD = """
import pathlib, sys
from kd_jax.report.publishing import in_place

with in_place.alone(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_of_two_publishes_the_second_is_refused_and_one_that_died_holds_nothing(root):
    run = finished(root)
    given = [sys.executable, "-c", HELD, str(root)]
    with subprocess.Popen(given, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        for work in (lambda: publish.publish(run, root=root), lambda: publish.renew(root)):
            with pytest.raises(InputError, match="another publish is at work in .*: wait for its"):
                work()
        other.kill()
    assert publish.publish(run, root=root).name == "records"
    assert os.listdir(root / "experiments/small") and not list(root.glob("*.lock"))


def test_a_copy_without_git_can_renew_its_pages_and_says_that_it_is_no_clone(root, replaced):
    (root / ".git").rename(root.with_name("elsewhere"))
    assert publish.renew(root) == []
    with pytest.raises(InputError, match=f"{root} is no clone that git can read: publish in one"):
        publish.publish(replaced[1], root=root)
    assert not list(root.rglob("*.lock"))
