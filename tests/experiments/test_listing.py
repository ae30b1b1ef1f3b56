"""What `./run.sh --help` lists, how wide it is, and what the shell completes."""

import pathlib
import shutil
import subprocess

import pytest

from experiments import __main__ as launcher
from experiments import listing

ROOT = pathlib.Path(__file__).parents[2]


def test_every_experiment_and_tool_is_listed_once_in_80_columns():
    lines = listing.help_text().splitlines()
    assert max(map(len, lines)) <= 80
    named = [line.split()[0] for line in lines[1:] if line.startswith("  ") and line[2] != " "]
    assert sorted(named) == sorted([*listing.experiments(), *listing.TOOLS])
    assert "  people            McCaffrey's teacher-student demo: replayed" in "\n".join(lines)


def test_an_experiment_without_a_group_is_listed_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.py").write_text("")
    (tmp_path / "mine" / "__init__.py").write_text('"""My own.\n\nTakes:    2 minutes, or 3\n"""\n')
    monkeypatch.setattr(listing, "HERE", tmp_path)
    assert listing.help_text().endswith("\nMore\n  mine              My own. (2 minutes)")


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize("words, expected", [
    (["./run.sh", "quick"], ["quickstart"]),
    (["./run.sh", "dist"], ["distill", "distill_encoder", "distill_lm"]),
    (["./run.sh", "people", "--teacher_w"], ["--teacher_width="]),
    (["./run.sh", "distill", "--temp"], ["--temperatures="]),
    (["./run.sh", "reproduce", "--base"], ["--base_seed="]),
    (["./run.sh", "--student_w"], ["--student_width="]),
    (["./run.sh", "--seeds=2", "--student_w"], ["--student_width="]),
])  # fmt: skip
def test_the_shell_completes_names_and_flags(words, expected, capsys):
    assert launcher.main(["completion"]) == 0
    code = capsys.readouterr().out
    asked = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; compopt() {{ :; }}; "
    script = f'{code}\n{asked}_kd_jax; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == expected and not done.stderr


@pytest.mark.parametrize("name, words", [
    ("reproduce", ["NAME", "--preset=NAME", "--base_seed=NUMBER", "--workdir=FOLDER", "OUTSIDE"]),
    ("report", ["[WORKDIR]", "report.html", "It has no flags", "prints the path"]),
])  # fmt: skip
def test_help_of_a_tool_shows_how_it_is_called_and_what_it_prints(capsys, name, words):
    for arguments in ([name, "--help"], [name, "people", "-h"]):
        assert launcher.main(arguments) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"./run.sh {name} ") and max(map(len, said.splitlines())) <= 80
        assert all(word in said for word in words) and "Exit code: 0" in said
