"""A file of any content, for the tests of readers."""

import pytest


@pytest.fixture
def write(tmp_path):
    """A function that writes a file and returns its path."""

    def to(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to
