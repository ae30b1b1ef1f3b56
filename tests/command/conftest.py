"""Settings of a command as its flags give them, and the small files that its tests read."""

import types

import numpy as np
import pytest

USUAL = {
    "data": "", "validation_data": "", "test_data": "", "split": (0.7, 0.1, 0.2), "label": "",
    "columns": (), "ignore": (), "image_size": 0, "skip_unreadable": False,
    "stream": False, "data_dir": "",
    "manual_dir": "", "base_seed": 0,
}  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    """A function from what is given to all settings."""

    def of(**given):
        given = {name: str(x) if "data" in name else x for name, x in given.items()}
        return types.SimpleNamespace(**{**USUAL, "workdir": str(tmp_path / "runs"), **given})

    return of


@pytest.fixture
def write(tmp_path):
    """A function that writes a file of text and returns its path."""

    def to(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


@pytest.fixture
def people(write):
    """A csv file of 40 rows: age 20 … 59, a town, an id, and whether the age is 40 or more."""

    def to(name="people.csv", rows=range(40), label="old"):
        lines = [
            f"{20 + row},{('Oslo', 'Rome', 'Bonn')[row % 3]},x{row},{('no', 'yes')[row >= 20]}"
            for row in rows
        ]
        return write(name, f"age,town,id,{label}\n" + "\n".join(lines) + "\n")

    return to


@pytest.fixture
def arrays(tmp_path):
    """A function that writes a .npz file of named arrays and returns its path."""

    def to(name="arrays.npz", **given):
        np.savez(tmp_path / name, **given)
        return tmp_path / name

    return to
