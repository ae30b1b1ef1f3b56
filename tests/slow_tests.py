"""Which of the slow tests run with --today: those of the day, and some of what was touched last."""

import ast
import pathlib
import subprocess
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]
PARTS = 20  # of all slow tests; a day chooses one
MOST = 3  # of what was touched: a slow test takes two workers half a minute on average
BEGUN_BY = 90.0  # seconds after the start: what was touched and has not begun is left


class Today(NamedTuple):
    """Names like tests/FOLDER/test_FILE.py::test_NAME, which stand for all its parametrizations."""

    touched: list[str]
    left: list[str]  # touched too, but one too many
    day: int  # which chooses a part of all

    def header(self):
        """The lines that say it before anything is collected."""
        said = {
            f"part {self.day % PARTS + 1} of {PARTS} of the slow tests, and of what was touched": (
                self.touched
            ),
            "touched too, but too many": self.left,
        }
        return [f"{title}: {', '.join(names) or 'none'}" for title, names in said.items()]

    def of(self, names):
        """Those of the names of slow tests, with their parametrizations, that are to run."""
        of_day = sorted(names)[self.day % PARTS :: PARTS]
        return [name for name in names if name in of_day or self.is_touched(name)]

    def is_touched(self, name):
        """Whether a test runs for what was touched."""
        return name.split("[")[0] in self.touched


def today(root=ROOT):
    """What is to run in a repository at its last commit."""
    day, files = _day(root), changed(root)
    mine = [name for name in slow_tests(root) if any(belongs(name, file) for file in files)]
    first = day % len(mine) if mine else 0  # other days leave others
    mine = mine[first:] + mine[:first]
    mine.sort(key=lambda name: name.split("::")[0] not in files)  # whose own file was touched
    return Today(mine[:MOST], mine[MOST:], day)


def slow_tests(root):
    """The names of all tests marked slow, of the whole test or of some of its parametrizations."""
    found = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.slow" in text:
            name = path.relative_to(root).as_posix()
            found += [f"{name}::{node.name}" for node in ast.parse(text).body if _is_slow(node)]
    return found


def _is_slow(node):
    marks = [ast.unparse(each) for each in getattr(node, "decorator_list", [])]
    return any("pytest.mark.slow" in mark for mark in marks)


def belongs(name, file):
    """Whether a test is of a changed file: its own, or one of the experiment or room it is of."""
    test = pathlib.PurePosixPath(name.split("::")[0])
    match pathlib.PurePosixPath(file).parts:
        case ("experiments", experiment, _, *_):
            of = test.parent.name == "experiments"
            return of and f"{test.stem}_".startswith(f"test_{experiment}_")
        case ("kd_jax", room, _, *_):
            return test.parts[:2] == ("tests", room)
    return file == str(test)


def changed(root):
    """The files that the last commit touched; none where its parent is not there."""
    return _git(root, "diff", "--name-only", "HEAD~1", "HEAD").splitlines()


def _day(root):
    """The day of the last commit, counted from 1970; of today where there is no commit."""
    return int(_git(root, "log", "-1", "--format=%ct") or time.time()) // 86400


def _git(root, *arguments):
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
