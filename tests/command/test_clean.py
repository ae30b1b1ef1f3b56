"""`./run.sh clean`: what runs keep is shown and removed if wished, and nothing else."""

import io
import subprocess
import sys

import pytest

from kd_jax.command import clean
from kd_jax.errors import InputError
from kd_jax.storage.run_folder import Run

TEACHER, IMAGES = "teachers/0123456789abcdef", "images/images-fedcba9876543210.npz"
SOMEBODYS = "teachers/mine", "images/notes.txt", "teachers/0123456789abcdeF"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """A folder of runs with a teacher, images, and what is somebody's; no compiled programs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(clean.program_folder.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / "runs"
    for name in (TEACHER, *SOMEBODYS[::2]):
        (folder / name).mkdir(parents=True)
        (folder / name / "params").write_bytes(bytes(1500))
    for name in (IMAGES, SOMEBODYS[1]):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(bytes(2500))
    (folder / "teachers" / "fedcba9876543210").symlink_to(folder / SOMEBODYS[0])
    return folder


def test_each_kind_is_removed_or_stays_as_the_user_says(workdir, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal("n\nYes\n"))
    clean.main([str(workdir)])
    assert (workdir / TEACHER / "params").exists() and not (workdir / IMAGES).exists()
    said = capsys.readouterr().out
    assert "2.50kB of decoded images (1)" in said and said.count("removed 2.50kB") == 1


def test_all_is_removed_but_what_is_somebodys(workdir, capsys):
    clean.main([str(workdir), "--yes"])
    assert not (workdir / TEACHER).exists() and not (workdir / IMAGES).exists()
    assert all((workdir / name).exists() for name in SOMEBODYS)
    assert (workdir / "teachers" / "fedcba9876543210" / "params").exists()
    clean.main([str(workdir), "--yes"])
    assert capsys.readouterr().out.endswith("nothing is kept for later runs\n")


def test_programs_are_removed_from_a_folder_that_is_ours_alone(workdir, tmp_path, capsys):
    programs = tmp_path / "cache" / "kd_jax"
    programs.mkdir(parents=True, mode=0o700)
    (programs / "jit_f-12-cache").write_bytes(bytes(10))
    (programs / "letter").write_text("mine")
    programs.chmod(0o770)
    clean.main([str(workdir), "--programs", "--yes"])
    assert (programs / "jit_f-12-cache").exists()
    programs.chmod(0o700)
    clean.main([str(workdir), "--yes"])  # they are of other folders too
    assert (programs / "jit_f-12-cache").exists()
    clean.main([str(workdir), "--programs", "--yes"])
    assert [path.name for path in programs.iterdir()] == ["letter"]


def test_nothing_is_removed_where_nobody_answers_or_a_run_goes_on(workdir, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(InputError, match="answer on a terminal, or give --yes"):
        clean.main([str(workdir)])
    run = Run(workdir, "demo", {})
    run.append([{"row": "a", "seed": 0}])
    with pytest.raises(InputError, match="is being written: nothing was removed"):
        clean.main([str(workdir), "--yes"])
    assert (workdir / TEACHER).exists()


def test_a_folder_that_is_none_is_a_line(tmp_path):
    command = [sys.executable, "-m", "kd_jax.command.clean", str(tmp_path / "none")]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 2 and said.stderr.count("\n") == 1 and "is no folder" in said.stderr
