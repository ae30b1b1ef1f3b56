"""A small repository, and records in it, for the tests of what is published."""

import pytest
from small_repository import TABLE, committed, finished, repository

from kd_jax.report.publishing import publish


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "clone")


@pytest.fixture
def kept(root):
    """The folder of a committed record."""
    folder = publish.publish(finished(root), root=root)
    committed(root)
    return folder


@pytest.fixture
def replaced(root, kept):
    """The folder of a committed record, and the run of another one with other tables."""
    run = finished(root, name="two", finished="2026-11-23T10:00:00+00:00")
    (run / "table.md").write_text(TABLE.replace("0.5 |", "0.9 |"))
    return kept, run
