"""Runs of a demo that are begun at a commit, left by a process that dies, and done."""

import json

import pytest

from kd_jax.storage import commits
from kd_jax.storage.run_folder import Run

A, B = {"commit": "a" * 40, "clean": True}, {"commit": "b" * 40, "clean": True}


def begun(workdir, code=A, flags=(), **settings):
    """An open run, as if the code were of this commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commits, "of_code", lambda: code)
        run = Run(workdir, "demo", settings, {"data": "abc"}, flags=flags)
    run.open()
    return run


def said(run):
    return json.loads(run.path("manifest.json").read_text())


def left(run):
    """The run after its process died."""
    run._lock.release()
    return run


def done(run):
    run.conclude(lambda folder: "")
    return said(run)
