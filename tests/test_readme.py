"""What the README shows as code runs, and what it says of the experiments is what they say."""

import importlib.util
import pathlib
import re

from kd_jax.report import docstrings
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_whole_experiment_of_the_readme_runs(tmp_path):
    (code,) = re.findall(r"<!-- example: narrow.py -->\n```python\n(.*?)```\n", README, re.DOTALL)
    script = tmp_path / "narrow.py"
    script.write_text(code)
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
    assert set(docstrings.said(script)) == {"", "Command", "Takes", "Expected"}


def test_a_docstring_s_headings_go_on_in_indented_lines(tmp_path):
    script = tmp_path / "some.py"
    script.write_text(
        '"""First.\n\nCommand:  ./run.sh some\n          and more\nTakes:    long\n\n'
        'Prose: of another kind.\n"""\n'
    )
    assert docstrings.said(script) == {
        "": "First.",
        "Command": "./run.sh some\nand more",
        "Takes": "long",
        "Prose": "of another kind.",
    }


def test_every_folder_and_file_that_the_readme_links_is_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
