"""Which slow tests a day and a commit choose."""

import pytest
import slow_tests
from small_repository import committed

MARKED = """
import pytest
@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_some(n): pass
@pytest.mark.slow
def test_whole(): pass
def test_fast(): pass
"""


@pytest.mark.parametrize(
    "file, mine",
    [
        ("tests/experiments/test_people.py", False),  # of another test file of the experiment
        ("tests/experiments/test_people_run.py", True),
        ("experiments/people/run.py", True),
        ("experiments/people/records/table.md", True),
        ("experiments/people.py", False),
        ("experiments/__main__.py", False),
        ("experiments/people_run_2/run.py", False),
        ("kd_jax/experiments/run.py", True),
        ("kd_jax/experiment/run.py", False),
        ("kd_jax/errors.py", False),
    ],
)
def test_a_test_belongs_to_its_file_its_experiment_and_its_room(file, mine):
    assert slow_tests.belongs("tests/experiments/test_people_run.py::test_a", file) == mine


def test_of_what_was_touched_as_many_run_as_there_is_time_for(tmp_path):
    folder = tmp_path / "tests" / "storage"
    folder.mkdir(parents=True)
    names = [f"tests/storage/test_{k}.py::test_{n}" for k in "ab" for n in ("some", "whole")]
    for k in "ab":
        (folder / f"test_{k}.py").write_text(MARKED)
    committed(tmp_path)
    first = slow_tests.today(tmp_path)
    assert (first.touched, first.left) == ([], [])  # there is no commit before it
    (tmp_path / "kd_jax" / "storage").mkdir(parents=True)
    (tmp_path / "kd_jax" / "storage" / "x.py").write_text("")
    (folder / "test_b.py").write_text(MARKED + "\n")
    committed(tmp_path)
    found = slow_tests.today(tmp_path)
    assert sorted(found.touched[:2]) == names[2:]  # whose own file was touched
    assert sorted(found.touched + found.left) == names and len(found.left) == 1
    lines = found.header()
    assert all(name in lines[0] for name in found.touched) and found.left[0] in lines[1]


def test_each_day_has_its_part_and_touched_tests_run_with_it():
    names = [f"test_{n:02}.py::test[{n}]" for n in range(50)]
    parts = [slow_tests.Today([], [], day).of(names) for day in range(1000, 1020)]
    assert sorted(name for part in parts for name in part) == names
    assert {len(part) for part in parts} == {2, 3}
    more = slow_tests.Today(["test_07.py::test"], [], 1001).of(names)
    assert more == [name for name in names if name in parts[1] or name == names[7]]
