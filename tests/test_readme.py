"""What the pages show as code runs."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from kd_jax.report import docstrings
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "adding_an_experiment.md").read_text()


def example(name):
    """The code of the guide's file of this name."""
    (code,) = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)```\n", GUIDE, re.DOTALL)
    return code


FILES = re.findall(r"<!-- example: (\S+) -->", GUIDE)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A folder with experiments/: the launcher, and the experiment of the guide."""
    folder = tmp_path_factory.mktemp("clone")
    package = folder / "experiments" / "narrow"
    package.mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "experiments" / name, package.parent)
    for name in FILES:
        (package / name).write_text(example(name))
    return folder


def launched(folder, *flags):
    """What `python -m experiments narrow` printed there."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "experiments", "narrow", *flags]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_whole_experiment_of_the_guide_runs(narrow):
    flags = "--seeds=2", "--epochs=1", "--width=5", "--fast_compile", "--workdir=runs"
    said = launched(narrow, *flags)
    (folder,) = (narrow / "runs").glob("narrow/*")
    records, table = jsonl.records(folder), (folder / "table.md").read_text()
    rows = ["labels only", "soft targets, T=1", "soft targets, T=3"]
    assert [(r["row"], r["seed"]) for r in records] == [(r, s) for r in rows for s in range(2)]
    assert all(f"| {row} " in table for row in rows) and table in said
    assert (folder / "errors_by_temperature.png").is_file()


def test_the_flags_of_the_guide_s_experiment_are_shown_without_jax(narrow):
    (narrow / "jax.py").write_text("raise ImportError\n")
    (narrow / "numpy.py").write_text("raise ImportError\n")
    said = launched(narrow, "--help")
    for name in ("jax.py", "numpy.py"):
        (narrow / name).unlink()
    assert said.startswith("How narrow may a student be?") and "--width=10" in said


def test_the_guide_s_files_are_those_of_an_experiment(narrow):
    assert FILES == ["__init__.py", "config.py", "run.py", "report.py"]
    assert set(FILES) <= {path.name for path in (ROOT / "experiments/quickstart").iterdir()}
    imports = re.findall(r"^from experiments\S*|^import experiments\S*", GUIDE, re.MULTILINE)
    assert imports == []  # so that the folder may bear any name


def test_the_docstring_of_the_guide_has_what_pages_are_made_of(tmp_path):
    package = tmp_path / "__init__.py"
    package.write_text(example("__init__.py"))
    about = docstrings.read(package)
    assert about.title and set(about.headings) == {"Command", "Takes", "Found"}


def test_the_loss_of_the_readme_runs():
    (code,) = re.findall(r"```python\n(.*?)```\n", README, re.DOTALL)

    class Student:
        def apply(self, params, inputs):
            return inputs @ params

    names = {"student": Student()}
    exec(code, names)
    batch = {"inputs": jnp.eye(3), "labels": jnp.array([0, 1, 2])}
    batch["teacher_logits"] = 4 * jnp.eye(3)
    # the student is the teacher: its divergence is 0, and its cross-entropy log(e⁴ + 2) − 4
    loss = names["loss_fn"](4 * jnp.eye(3), batch)
    np.testing.assert_allclose(loss, 0.1 * (np.log(np.exp(4) + 2) - 4), rtol=1e-5)


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
