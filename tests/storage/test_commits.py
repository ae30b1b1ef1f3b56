"""Which commit the code is of, and whether that is all of it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from small_repository import committed, git

from kd_jax.storage import commits

ROOT = pathlib.Path(__file__).parents[2]


def written(root, *names, text="a"):
    """Files of a repository with this text."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


NO_CODE = ["README.md", "docs/x.css", "experiments/one/records/config.json"]


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "a clone"
    written(root, "kd_jax/a.py", "experiments/one/run.py", *NO_CODE)
    written(root, ".gitignore", text="runs/")
    committed(root)
    return root


def test_a_commit_is_clean_until_code_changes(repository):
    head = git(repository, "rev-parse", "HEAD")
    assert commits.of(repository) == {"commit": head, "clean": True}
    written(repository, *NO_CODE, text="b")
    written(repository, "docs/new.html", "experiments/one/findings.md", "runs/one/config.json")
    written(repository, "experiments/two/records_small/table.png")
    assert commits.of(repository) == {"commit": head, "clean": True}
    written(repository, "kd_jax/a.py", "kd_jax/ö new.py", text="b")
    written(repository, "experiments/one/records_of.py", "experiments/one/x/records/y")
    git(repository, "mv", "experiments/one/run.py", "experiments/one/walk.py")
    assert commits.of(repository) == {
        "commit": head,
        "clean": False,
        "changed": [
            "experiments/one/records_of.py", "experiments/one/run.py", "experiments/one/walk.py",
            "experiments/one/x/records/y", "kd_jax/a.py", "kd_jax/ö new.py",
        ],
    }  # fmt: skip


def test_a_folder_that_is_no_clone_has_no_commit(repository, tmp_path, monkeypatch):
    nothing = {"commit": None, "clean": None}
    assert commits.of(tmp_path) == commits.of(repository / "kd_jax") == nothing
    git(tmp_path, "init", "-q", tmp_path / "empty")
    assert commits.of(tmp_path / "empty") == nothing  # nothing is committed yet
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))  # of a hook that calls us
    assert commits.of(tmp_path) == nothing
    assert commits.of(repository)["clean"]
    monkeypatch.setenv("PATH", "")
    assert commits.of(repository) == nothing


@pytest.mark.parametrize("place", ["lib/site-packages", "."])
def test_installed_in_another_repository_the_code_is_not_of_its_commit(repository, place):
    """In its environment, or beside its own folder of experiments."""
    packages = repository / place
    shutil.copytree(ROOT / "kd_jax", packages / "kd_jax", dirs_exist_ok=True)
    written(repository, "experiments/__main__.py")
    git(repository, "add", "experiments")
    git(repository, "commit", "-qm", "theirs")
    code = "from kd_jax.storage import commits; print(commits.__file__, commits.of_code())"
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment,
        cwd=repository, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(packages.resolve()))
    assert done.stdout.endswith("{'commit': None, 'clean': None}\n")


def test_histories(repository):
    first, second = git(repository, "rev-parse", "HEAD"), committed(repository)
    git(repository, "checkout", "-q", first)
    assert commits.in_history(repository, first) and not commits.in_history(repository, second)
    assert not commits.in_history(repository, "0" * 40)
    assert not commits.shallow(repository)
    git(repository.parent, "clone", "-q", "--depth=1", repository.as_uri(), "shallow")
    assert commits.shallow(repository.parent / "shallow")


TWO_COMMITS = """
import subprocess, sys
from kd_jax.storage.run_folder import Run

root = sys.argv[1]
run = Run(root + "/runs", "demo", {})
open(root + "/kd_jax/changed.py", "w").close()
subprocess.run(["git", "-C", root, "add", "."], check=True)
who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
subprocess.run(["git", *who, "-C", root, "commit", "-qm", "second"], check=True)
run.conclude(lambda folder: "")
print(run.path("manifest.json"))
"""


def test_a_run_that_ends_after_another_commit_names_the_one_it_began_at(tmp_path):
    root = tmp_path / "clone"
    shutil.copytree(ROOT / "kd_jax", root / "kd_jax", ignore=shutil.ignore_patterns("__pycache__"))
    written(root, "experiments/__main__.py")
    written(root, ".gitignore", text="runs/\n__pycache__/")
    first = committed(root)
    done = subprocess.run(
        [sys.executable, "-c", TWO_COMMITS, root], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(root)}, cwd=root,
    )  # fmt: skip
    found = json.loads(pathlib.Path(done.stdout.splitlines()[-1]).read_text())
    assert (found["commit"], found["clean"]) == (first, True)
    assert git(root, "rev-parse", "HEAD") != first
