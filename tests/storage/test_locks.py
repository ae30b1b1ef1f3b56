"""Locks: threads of one run take turns in silence; that another run is waited for is said."""

import threading

import filelock

from kd_jax.storage import locks


def worked(path, began, ended):
    """A thread that works on a path, and is under way."""

    def work():
        with locks.alone(path):
            began.set()
            ended.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_threads_of_one_run_take_turns_in_silence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path, first, second, ended = (
        tmp_path / "x",
        threading.Event(),
        threading.Event(),
        [threading.Event() for _ in range(2)],
    )
    one = worked(path, first, ended[0])
    assert first.wait(10)
    other = worked("x", second, ended[1])  # the same file by another name
    assert not second.wait(0.2)
    ended[0].set()
    assert second.wait(10)
    ended[1].set()
    one.join(10), other.join(10)
    assert capsys.readouterr().err == ""


def test_another_run_is_waited_for_and_named(tmp_path, capsys):
    path, began, ended = tmp_path / "x", threading.Event(), threading.Event()
    ended.set()
    with filelock.FileLock(tmp_path / ".x.lock"):  # as another process holds it
        thread = worked(path, began, ended)
        assert not began.wait(0.2)
    assert began.wait(10)
    thread.join(10)
    assert capsys.readouterr().err == f"waiting for another run that works on {path}\n"
