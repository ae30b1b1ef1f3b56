"""Files that the system refuses to read are not called damaged: nobody is told to delete them."""

import contextlib
import gzip
import os
import resource

import numpy as np
import pytest

from kd_jax.data import idx, npz, tables
from kd_jax.errors import InputError, unreadable
from kd_jax.storage import array_cache, block_cache, checkpoint

FACTS = {"of": "a test"}
VALUES = np.arange(3.0, dtype=np.float32)


@contextlib.contextmanager
def no_more_files():
    """As in a process with too many open files; a closed one would make room for another."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def arrays(tmp_path):
    return lambda: array_cache.kept(tmp_path, FACTS, lambda: {"x": VALUES})


def blocks(tmp_path):
    def read():
        facts = FACTS, 3, 3, lambda first: iter([{"x": VALUES}])
        return block_cache.cached(tmp_path, *facts, label="blocks")

    read()
    (folder,) = tmp_path.glob("arrays-*")
    return lambda: block_cache._open(folder, {"x": [[3], "<f4"]})


def saved(tmp_path):
    checkpoint.save(tmp_path / "one", {"x": VALUES}, FACTS)
    return lambda: checkpoint.load(tmp_path / "one", {"x": VALUES})


def packed(tmp_path):
    np.savez(tmp_path / "rows.npz", inputs=VALUES[:, None], labels=np.array([0, 1, 1]))
    return lambda: npz.read(tmp_path / "rows.npz")


def table(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    return lambda: tables.read(tmp_path / "rows.csv")


def labels(tmp_path):
    header = bytes([0, 0, 8, 1, 0, 0, 0, 2])
    (tmp_path / "labels.gz").write_bytes(gzip.compress(header + bytes(2)))
    return lambda: idx.read(tmp_path / "labels.gz", (2,))


READERS = [arrays, blocks, saved, packed, table, labels]


@pytest.mark.parametrize("reader", READERS)
def test_without_a_free_file_a_sound_one_is_not_called_damaged(tmp_path, reader):
    read = reader(tmp_path)
    read()
    with no_more_files(), pytest.raises((InputError, OSError)) as error:
        read()
    said = str(error.value)
    assert "Too many open files" in said or "No locks" in said, said
    assert "\n" not in said and "delete" not in said and "write it again" not in said
    read()


def test_what_may_be_damaged_keeps_its_advice():
    gone = FileNotFoundError(2, "No such file or directory")
    assert str(unreadable("x.npz", gone, "delete that file")).endswith(": delete that file")
    assert str(unreadable("x.npz", ValueError("bad magic"), "fetch it")) == (
        "x.npz is unreadable (bad magic): fetch it"
    )
    denied = PermissionError(13, "Permission denied", "x.npz")
    assert "delete" not in str(unreadable("x.npz", denied, "delete that file"))
    of_tensorstore = ValueError("PERMISSION_DENIED: [os_error_code='13'] reading x")
    assert "cannot be read (Permission denied)" in str(unreadable("x", of_tensorstore, "delete"))
    assert "Cannot allocate memory" in str(unreadable("x", MemoryError(), "delete"))


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_that_one_may_not_read(tmp_path):
    read = packed(tmp_path)
    (tmp_path / "rows.npz").chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read()
