"""From a working directory that was deleted a command says so, and nothing untrue beside it."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
LINE = "error: the working directory no longer exists: cd to one that does"


def ended(folder, *command):
    """The ended process of a command in a folder that is deleted as it begins."""
    folder.mkdir()
    return subprocess.run(
        command, cwd=folder, preexec_fn=folder.rmdir, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PWD": str(folder)}, timeout=100,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [["page"], ["page", "runs"], ["list_runs"], ["publishing.publish", "runs/people/1"]],
    ids=" ".join,
)
def test_a_tool_of_runs_is_one_line(tmp_path, arguments):
    name, *more = arguments
    done = ended(tmp_path / "gone", sys.executable, "-m", f"kd_jax.report.{name}", *more)
    assert (done.returncode, done.stderr) == (2, f"{LINE}\n")


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_the_script_adds_no_line_to_that_of_the_shell(tmp_path):
    """bash itself says as it starts that it knows no working directory, in its words."""
    done = ended(tmp_path / "gone", str(ROOT / "run.sh"), "report")
    *of_shell, last = done.stderr.splitlines()
    assert (done.returncode, last) == (2, LINE)
    assert len(of_shell) <= 1 and all("shell-init" in line for line in of_shell)
