"""What the pages show as code runs."""

import importlib.util
import pathlib
import re

import jax.numpy as jnp
import numpy as np

import kd_jax.losses  # noqa: F401  until submodules load by themselves
from kd_jax.report import docstrings
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "adding_an_experiment.md").read_text()


def example(name):
    """The code of the guide's file of this name."""
    (code,) = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)```\n", GUIDE, re.DOTALL)
    return code


def test_the_whole_experiment_of_the_guide_runs(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(example("run.py"))
    found = importlib.util.spec_from_file_location("narrow", script)
    narrow = importlib.util.module_from_spec(found)
    found.loader.exec_module(narrow)
    narrow.run(narrow.Config(seeds=2, epochs=1, width=5, workdir=str(tmp_path / "runs")))
    (folder,) = (tmp_path / "runs").glob("narrow/*")
    records = jsonl.records(folder)
    assert [(r["row"], r["seed"]) for r in records] == [
        (arm.row, seed) for arm in narrow.ARMS for seed in range(2)
    ]
    assert all(f"| {arm.row} " in (folder / "table.md").read_text() for arm in narrow.ARMS)


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
