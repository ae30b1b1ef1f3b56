"""What the pages show as code runs."""

import functools
import hashlib
import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import experiments as package
import experiments.__main__ as experiments
from kd_jax import experiment
from kd_jax.errors import InputError
from kd_jax.report import docstrings
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[1]


def examples(page):
    """{name: code} of the files that a page of docs/ shows."""
    text = (ROOT / "docs" / page).read_text()
    marked = r"<!-- example: (\S+) -->\n```python\n(.*?)```\n"
    return dict(re.findall(marked, text, re.DOTALL))


def executed(page):
    """The names that the only example of a page defines."""
    (code,) = examples(page).values()
    names: dict = {}
    exec(code, names)
    return names


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A folder with experiments/: the launcher, and the experiment of the guide."""
    folder = tmp_path_factory.mktemp("clone")
    package = folder / "experiments" / "narrow"
    package.mkdir(parents=True)
    for path in (ROOT / "experiments").glob("*.py"):
        shutil.copy(path, package.parent)
    for name, code in examples("adding_an_experiment.md").items():
        (package / name).write_text(code)
    return folder


def test_the_whole_experiment_of_the_guide_runs(narrow, monkeypatch, capsys):
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(narrow / "experiments")])
    monkeypatch.setattr(experiments.listing, "HERE", narrow / "experiments")
    flags = ["--seeds=2", "--epochs=1", "--width=5", f"--workdir={narrow / 'runs'}"]
    config = importlib.import_module("experiments.narrow.config").Config
    program = functools.partial(experiments.program, "narrow")
    done = experiment.perform("narrow", experiment.parse(config, ["x", *flags]), program, flags)
    records, table = jsonl.records(done.folder), (done.folder / "table.md").read_text()
    rows = ["labels only", "soft targets, T=1", "soft targets, T=3"]
    found = [(r["row"], r["seed"]) for r in records]
    assert found == [("teacher", 0), *((row, seed) for row in rows for seed in range(2))]
    command = (done.folder / "command.txt").read_text()
    assert command == f"./run.sh narrow {' '.join(flags)}\n"
    assert all(f"| {row} " in table for row in rows) and table in capsys.readouterr().out
    assert (done.folder / "errors_by_temperature.svg").is_file()


def test_the_flags_of_the_guide_s_experiment_are_shown_without_jax(narrow):
    (narrow / "jax.py").write_text("raise ImportError\n")
    (narrow / "numpy.py").write_text("raise ImportError\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "experiments", "narrow", "--help"]
    said = subprocess.run(command, cwd=narrow, env=environment, capture_output=True, text=True)
    for name in ("jax.py", "numpy.py"):
        (narrow / name).unlink()
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("How narrow may a student be?") and "--width=10" in said.stdout


def test_the_guide_s_files_are_those_of_an_experiment(narrow):
    files = examples("adding_an_experiment.md")
    assert list(files) == ["__init__.py", "config.py", "run.py", "report.py"]
    assert set(files) <= {path.name for path in (ROOT / "experiments/quickstart").iterdir()}
    imports = re.findall(
        r"^from experiments\S*|^import experiments\S*", "\n".join(files.values()), re.MULTILINE
    )
    assert imports == []  # so that the folder may bear any name


def test_the_docstring_of_the_guide_has_what_pages_are_made_of(tmp_path):
    package = tmp_path / "__init__.py"
    package.write_text(examples("adding_an_experiment.md")["__init__.py"])
    about = docstrings.read(package)
    assert about.title and set(about.headings) == {"Command", "Takes", "Found"}


def test_a_docstring_s_headings_go_on_in_indented_lines(tmp_path):
    script = tmp_path / "some.py"
    script.write_text(
        '"""First.\n\nCommand:  ./run.sh some\n          and more\nTakes:    long\n\n'
        'Prose of\n\ntwo paragraphs.\n"""\n'
    )
    assert docstrings.read(script) == (
        "First.",
        {"Command": "./run.sh some\nand more", "Takes": "long"},
        "Prose of\n\ntwo paragraphs.",
    )


def test_the_loss_of_the_guide_is_the_squared_distance():
    student, teacher = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 2.0, 1.0]])
    mine = executed("adding_a_loss.md")["mine"]
    assert mine(student, teacher).tolist() == [10.0]  # 1 + 0 + 9
    assert mine(student, teacher, where=np.array([False])).tolist() == [0.0]


def test_the_data_set_of_the_guide_is_read_and_checked(tmp_path):
    rows = [f"{i},{2 * i},1,{-i % 7},{i % 3}" for i in range(40)]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows))
    load = executed("adding_a_data_set.md")["load"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.warns(RuntimeWarning):  # the third column is constant: it has no deviation
        data = load(path, 0, digest)
    assert [len(split.labels) for split in data[2:5]] == [28, 4, 8] and data.classes == 3
    np.testing.assert_allclose(data.train.inputs[:, :2].std(0), 1, rtol=1e-5)
    with pytest.raises(InputError, match="mine.csv has SHA-256"):
        load(path, 0)
