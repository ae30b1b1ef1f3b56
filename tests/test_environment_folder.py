"""./run.sh makes an environment where nothing lies, and removes nobody's files."""

import os
import subprocess
import sys

import bare_clone
import pytest

MADE = "home = /usr/bin\ncommand = /usr/bin/python3 -m venv --clear /a/.venv\n"  # by run.sh
OTHERS = "home = /usr/bin\ncommand = /usr/bin/python3 -m venv /a/.venv\n"


@pytest.fixture
def clone(tmp_path):
    """A bare clone; nothing is installed for it, nor read from the home of whoever tests."""
    return bare_clone.made(tmp_path / "a clone")


def called(clone, venv=None, **more):
    """The ended `./run.sh install` with a folder as its environment."""
    world = {key: x for key, x in os.environ.items() if not key.startswith(("KD_JAX", "P"))}
    world |= {"HOME": str(clone), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    world |= {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "LC_ALL": "C"}
    world |= {"KD_JAX_VENV": str(venv)} if venv else {}
    return subprocess.run(
        [clone / "run.sh", "install"], capture_output=True, text=True, cwd=clone,
        env=world | more, timeout=120,
    )  # fmt: skip


def refused(ended, *said):
    assert ended.returncode == 2 and ended.stdout == "", ended
    assert ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1, ended.stderr
    assert all(words in ended.stderr for words in said), ended.stderr


def environment(folder, settings, base="/nowhere/python3"):
    """One whose Python leads to another, with a file of somebody's in it."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(base)
    (folder / "pyvenv.cfg").write_text(settings)
    (folder / "a note").write_text("mine")
    return folder


def untouched(folder):
    return (folder / "a note").read_text() == "mine" and os.path.lexists(folder / "bin" / "python")


def test_a_folder_with_somebody_s_files_is_left_as_it_is(clone, tmp_path):
    chapter = tmp_path / "p" / "thesis" / "chapter1.txt"
    chapter.parent.mkdir(parents=True)
    chapter.write_text("mine")
    for own in (tmp_path / "p", clone / ".venv"):
        if own != tmp_path / "p":
            (tmp_path / "p").rename(own)
        refused(called(clone, own), f"{own} holds files and is no virtual environment: name anoth")
        assert (own / "thesis" / "chapter1.txt").read_text() == "mine"
    file = tmp_path / "file"
    file.write_text("mine")
    refused(called(clone, file), f"{file} is no folder")
    assert file.read_text() == "mine"


def test_an_environment_whose_python_cannot_be_reached_is_left_as_it_is(clone, tmp_path):
    other = environment(tmp_path / "shared", MADE)
    said = f"the Python of {other} does not run (No such file or directory): delete it, or name"
    refused(called(clone, other), said)
    assert untouched(other)
    base = tmp_path / "python3"
    base.write_text("#!/bin/sh\n")  # which nobody may run
    barred = environment(tmp_path / "barred", MADE, base)
    refused(called(clone, barred), f"of {barred} does not run (Permission denied): delete it, or")
    assert untouched(barred)


@pytest.mark.parametrize("linked", [False, True])
def test_the_clone_s_own_that_this_script_did_not_make_is_left_as_it_is(clone, tmp_path, linked):
    own = clone / ".venv"
    if linked:  # to that of another clone
        own.symlink_to(environment(tmp_path / "first", MADE))
    else:
        environment(own, OTHERS)
    refused(called(clone), f"the Python of {own} does not run", "delete it, or name another folder")
    assert untouched(own)


def test_the_clone_s_own_that_this_script_made_is_made_again(clone):
    own = environment(clone / ".venv", MADE)
    ended = called(clone)
    assert f"the Python of {own} does not run (No such file or directory): it is" in ended.stderr
    assert "python3-venv" not in ended.stderr and not (own / "a note").exists()
    assert subprocess.run([own / "bin" / "python", "-c", ""]).returncode == 0
    # what Python writes there is what the next call takes for its own
    assert f" -m venv --clear {own}" in (own / "pyvenv.cfg").read_text()


@pytest.mark.parametrize(
    "told, said",
    [
        ("Error: [Errno 13] Permission denied: '/x'", "[Errno 13] Permission denied: '/x')"),
        ("because ensurepip is not\navailable.", "(on Debian: apt install python3-venv)"),
        ("python3: No module named venv", "(on Debian: apt install python3-venv)"),
    ],
)
def test_why_none_could_be_made_is_said(clone, tmp_path, told, said):
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\n[ "$2" = venv ] || exit 0\ncat <<"END"\n{told}\nEND\nexit 1\n')
    python.chmod(0o755)
    refused(called(clone, tmp_path / "new", PYTHON=str(python)), f"{tmp_path / 'new'} (", said)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_nobody_may_read_or_write_is_said_to_be_that(clone, tmp_path):
    hidden = environment(tmp_path / "hidden", MADE)
    hidden.chmod(0)
    refused(called(clone, hidden), "cannot be read (permission denied)")
    hidden.chmod(0o755)
    own = environment(clone / ".venv", MADE)
    own.chmod(0o555)
    refused(called(clone), "does not run", "permission denied")
    own.chmod(0o755)
    assert untouched(hidden) and untouched(own)
