"""A stored tensor is what its file held when it was opened, whatever lies there by then."""

import errno
import os
import threading
import time

import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from kd_jax.errors import InputError
from kd_jax.pretrained.stored import OpenFile, Stored

NUMBERS = np.arange(6, dtype=np.float32).reshape(2, 3) / 4  # exact in bfloat16 too


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tensors"
    path.write_bytes(b"abc" + NUMBERS.tobytes() + NUMBERS.astype(ml_dtypes.bfloat16).tobytes())
    return path


@pytest.mark.parametrize("dtype, start", [(np.float32, 3), (ml_dtypes.bfloat16, 3 + 24)])
def test_it_is_read_as_an_array_or_into_one_from_any_byte(path, dtype, start):
    stored = Stored(OpenFile(path), start, dtype, (2, 3))
    found = np.asarray(stored)
    assert found.dtype == dtype and np.array_equal(found.astype(np.float32), NUMBERS)
    assert np.asarray(stored, np.float64).dtype == np.float64
    stack = np.full((3, 2, 3), 7, np.float32)
    stored.read_into(stack[1])
    np.testing.assert_array_equal(stack[1], NUMBERS)
    assert (stack[[0, 2]] == 7).all()


def test_a_file_that_another_replaces_stays_the_one_that_was_opened(path):
    stored = Stored(OpenFile(path), 3, np.float32, (2, 3))
    other = path.with_name("other")
    other.write_bytes(bytes(51))
    other.replace(path)
    np.testing.assert_array_equal(np.asarray(stored), NUMBERS)


def test_a_file_that_became_shorter_is_one_line(path):
    stored = Stored(OpenFile(path), 3, np.float32, (2, 3))
    with open(path, "r+b") as file:
        file.truncate(10)
    with pytest.raises(InputError, match="became shorter while it was read: get it again"):
        np.asarray(stored)


def test_a_disk_that_fails_while_a_tensor_is_read_is_one_line(path):
    file = OpenFile(path)

    class Failing:
        seek = file.file.seek

        def readinto(self, buffer):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    file.file = Failing()
    with pytest.raises(InputError, match="cannot be read .*Input/output error"):
        np.asarray(Stored(file, 3, np.float32, (2, 3)))


def test_numbers_of_no_bytes_and_scalars(path):
    assert np.asarray(Stored(OpenFile(path), 3, np.float32, (0, 4))).shape == (0, 4)
    assert np.asarray(Stored(OpenFile(path), 7, np.float32, ())) == 0.25


def test_threads_that_read_of_one_file_each_get_their_tensor(path):
    file = OpenFile(path)
    opened, seek = file.file, file.file.seek

    class Slow:  # others go on between the place and the reading
        readinto = opened.readinto

        def seek(self, start):
            seek(start)
            time.sleep(0.01)

    file.file = Slow()
    places = {start: Stored(file, start, np.float32, ()) for start in range(3, 27, 4)}
    found = {}

    def read(start):
        found[start] = np.asarray(places[start])

    threads = [threading.Thread(target=read, args=[start]) for start in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[start] for start in places] == NUMBERS.ravel().tolist()
