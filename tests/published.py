"""Where the published files lie that some tests read, and the skip where they do not."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SHARED = pathlib.Path(os.environ.get("KD_JAX_SHARED") or ROOT.parent / "shared")
DATA = SHARED / "data"


def needed(path):
    """The path, if something is there; else the test that asks for it is skipped."""
    if not path.exists():
        pytest.skip(f"{path} is absent: set KD_JAX_SHARED to the folder that holds data/")
    return path
