"""The commit that the code is of, and whether the files are those of the commit.

A folder is clean where git sees no change and no new file, but for prose and what was generated:
Markdown, docs/ and the committed records.
"""

import functools
import os
import pathlib
import subprocess
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
OF_A_CLONE = "kd_jax/__init__.py", "experiments/__main__.py"  # the repository has them
NO_CODE = (
    "**/*.md",
    "docs/**",
    "experiments/*/records/**",
    "experiments/*/records_*/**",
    "experiments/*/.exploration*/**",
    "experiments/*/.records*/**",  # of a publish that was killed, or goes on
)
REPLACED = {  # of a hook that calls us
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_LITERAL_PATHSPECS",
}  # fmt: skip


def git(root: pathlib.Path, *arguments: str) -> str:
    """What a command of git says about the repository at a folder.

    Raises:
        OSError: there is no git.
        subprocess.CalledProcessError: git refuses.
    """
    environment = {name: value for name, value in os.environ.items() if name not in REPLACED}
    environment["GIT_OPTIONAL_LOCKS"] = "0"  # a commit at the same time is not in our way
    found = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, check=True, env=environment
    )
    return os.fsdecode(found.stdout)


def of(root: pathlib.Path) -> dict[str, Any]:
    """What a manifest says of the files of a repository.

    Args:
        root: its first folder.

    Returns:
        {"commit": hash, "clean": True} or, with uncommitted files, {"commit": hash, "clean": False,
        "changed": their paths}; both None where the folder is not the first one of a repository.
    """
    unwanted = (f":(exclude,glob){pattern}" for pattern in NO_CODE)
    status = "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"
    try:
        if pathlib.Path(git(root, "rev-parse", "--show-toplevel").strip()) != root.resolve():
            return {"commit": None, "clean": None}
        commit = git(root, "rev-parse", "HEAD").strip()
        changed = sorted(line[3:] for line in git(root, *status, "--", ".", *unwanted).split("\0"))
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "clean": None}
    changed = [path for path in changed if path]
    return {"commit": commit, "clean": not changed, **({"changed": changed} if changed else {})}


@functools.cache
def of_code() -> dict[str, Any]:
    """What `of` says of this code as the process first asked: later changes are not loaded.

    Installed somewhere in another project's repository, the code is not of its commit.
    """
    try:
        git(ROOT, "ls-files", "--error-unmatch", "--", *OF_A_CLONE)
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "clean": None}
    return of(ROOT)


def in_history(root: pathlib.Path, commit: str) -> bool:
    """Whether a commit is HEAD or before it."""
    return _agrees(root, "merge-base", "--is-ancestor", commit, "HEAD")


def unchanged(root: pathlib.Path, commit: str, *paths: str) -> bool:
    """Whether HEAD has the same files as a commit below some paths."""
    return _agrees(root, "diff", "--quiet", commit, "HEAD", "--", *paths)


def modified(root: pathlib.Path, *patterns: str) -> list[pathlib.Path]:
    """The files that are not as git's index has them, also not there; [] of what is no clone.

    Args:
        root: the folder of the repository.
        patterns: of their paths below it, as git has them.
    """
    globs = (f":(glob){pattern}" for pattern in patterns)
    try:
        found = git(root, "ls-files", "--modified", "-z", "--", *globs).split("\0")
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted({root / name for name in found if name})


def _agrees(root, *arguments):
    """Whether git answers with the code 0."""
    try:
        git(root, *arguments)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def shallow(root: pathlib.Path) -> bool:
    """Whether a clone lacks the beginning of its history; False of what is no clone."""
    try:
        return git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
    except (OSError, subprocess.CalledProcessError):
        return False
