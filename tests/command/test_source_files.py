"""The digest of a function's source changes with what its text reaches, and with nothing else."""

import importlib.metadata

import pytest

from kd_jax.command import source_files

CONTENTS = {
    "teacher.py": "import one\nfrom package import two\nimport numpy\nPATH = 'weights.bin'\n",
    "one.py": "import package.three as t\n",
    "package/__init__.py": "",
    "package/two.py": "from . import four\n",
    "package/three.py": "from package import one\n",
    "package/four.py": "import teacher\n",
    "weights.bin": "0",
    "other.py": "",
    "package/other.py": "",
}
REACHED = [name for name in CONTENTS if "other" not in name]


@pytest.mark.parametrize("changed", CONTENTS)
def test_a_change_of_a_file(write, changed):
    path = [write(name, content) for name, content in CONTENTS.items()][0]
    before = source_files.digest(f"{path}:f")
    assert source_files.digest(f"{path}:g") != before
    write(changed, CONTENTS[changed] + "\n#")
    assert (source_files.digest(f"{path}:f") != before) == (changed in REACHED)


def test_a_variable_of_the_environment_that_is_read_counts(write, monkeypatch):
    read = write("teacher.py", "import os, one\nrate = float(os.environ['OF_THIS_TEST'])\n")
    write("one.py", "from os import getenv\nx = getenv('OF_ONE', '1')\ny = 'OF_NOTHING'\n")
    plain = write("plain.py", "WHERE = 'OF_THIS_TEST'\n")

    def found():
        return source_files.digest(f"{read}:f"), source_files.digest(f"{plain}:f")

    seen = {found()}
    for name in ("OF_THIS_TEST", "OF_ONE"):
        for value in ("1", "2"):
            monkeypatch.setenv(name, value)
            seen.add(found())
    assert len(seen) == 5 and len({of_plain for _, of_plain in seen}) == 1


def test_the_version_of_an_installed_package_counts(write, monkeypatch):
    path = write("teacher.py", "import sys\nfrom optax import adam\nimport numpy.linalg\n")
    before = source_files.digest(f"{path}:f")
    known = importlib.metadata.version
    for name in ("optax", "numpy", "flax"):
        other = {name: "0.0.0"}
        monkeypatch.setattr(importlib.metadata, "version", lambda x, o=other: o.get(x) or known(x))
        assert (source_files.digest(f"{path}:f") != before) == (name != "flax")


def test_a_module_is_found_where_python_finds_it(write, monkeypatch):
    path = write("elsewhere/of_this_test/__init__.py", "")
    monkeypatch.syspath_prepend(path.parent.parent)
    write("elsewhere/of_this_test/inner.py", "from of_this_test import beside\n")
    write("elsewhere/of_this_test/beside.py", "")
    before = source_files.digest("of_this_test.inner:f")
    write("elsewhere/of_this_test/beside.py", "x = 1\n")
    assert source_files.digest("of_this_test.inner:f") != before


def test_what_the_kernel_says_at_the_moment_is_no_content(tmp_path):
    """/proc/self/stat counts the processor time of this process: it is another at every reading."""
    (tmp_path / "reads.py").write_text("STATE = '/proc/self/stat'\ndef f(x):\n    return x\n")
    place = f"{tmp_path}/reads.py:f"
    before = source_files.digest(place)
    sum(range(3_000_000))
    assert source_files.digest(place) == before
