"""A clone of nothing but run.sh and what it installs by."""

import pathlib
import shutil

ROOT = pathlib.Path(__file__).parents[1]
FILES = "run.sh", "requirements.txt", "pyproject.toml", ".ci/constraints.txt"


def made(folder):
    """Such a clone in a new folder."""
    (folder / ".ci").mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder
