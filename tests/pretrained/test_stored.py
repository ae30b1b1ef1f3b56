"""A stored tensor is what its file held when it was opened, whatever lies there by then."""

import concurrent.futures
import errno
import os

import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from kd_jax.errors import InputError
from kd_jax.pretrained.stored import OpenFile, Reads, Stored, spans, stacked

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
    Reads([(stored, stack[1])]).run()
    np.testing.assert_array_equal(stack[1], NUMBERS)
    assert (stack[[0, 2]] == 7).all()
    assert np.array_equal(np.asarray(stored[1:]), found[1:])


def test_neighbors_are_read_in_one_call_whatever_their_order(path, monkeypatch):
    file, calls, real = OpenFile(path), [], os.preadv
    monkeypatch.setattr(os, "preadv", lambda *args: calls.append(args) or real(*args))
    first, second = np.zeros(4, np.float32), np.zeros(2, np.float32)
    wanted = [
        (Stored(file, 3 + 16, np.float32, [2]), second),
        (Stored(file, 3, np.float32, [4]), first),
    ]
    Reads(wanted).run()
    np.testing.assert_array_equal([*first, *second], NUMBERS.ravel())
    assert len(calls) == 1


def test_a_call_that_reads_a_part_is_followed_by_others(path, monkeypatch):
    """As over 2 GiB, or with more arrays than one call takes; here five bytes a call."""
    file, real = OpenFile(path), os.preadv
    monkeypatch.setattr(
        os, "preadv", lambda number, buffers, at: real(number, [buffers[0][:5]], at)
    )
    arrays = [np.zeros(n, np.float32) for n in (1, 0, 3, 2)]
    starts = 3 + 4 * np.cumsum([0, 1, 0, 3])
    Reads([(Stored(file, s, np.float32, x.shape), x) for s, x in zip(starts, arrays)]).run()
    np.testing.assert_array_equal(np.concatenate(arrays), NUMBERS.ravel())


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


def test_numbers_of_no_bytes_and_scalars(path):
    assert np.asarray(Stored(OpenFile(path), 3, np.float32, (0, 4))).shape == (0, 4)
    assert np.asarray(Stored(OpenFile(path), 7, np.float32, ())) == 0.25


@pytest.mark.parametrize("size, said", [(10, "became shorter"), (0, "cannot be mapped")])
def test_a_file_that_became_shorter_before_it_is_mapped_is_one_line(path, size, said):
    stored = Stored(OpenFile(path), 4, np.float32, (2, 3))
    with open(path, "r+b") as file:
        file.truncate(size)
    with pytest.raises(InputError, match=said):
        stored.view()


def test_a_disk_that_fails_while_a_tensor_is_read_is_one_line(path, monkeypatch):
    def fails(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", fails)
    with pytest.raises(InputError, match="cannot be read .*Input/output error"):
        np.asarray(Stored(OpenFile(path), 3, np.float32, (2, 3)))


def test_threads_that_read_of_one_file_each_get_their_tensor(path):
    file = OpenFile(path)
    stored = [Stored(file, start, np.float32, ()) for start in range(3, 27, 4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            assert list(map(float, pool.map(np.asarray, stored))) == NUMBERS.ravel().tolist()


def test_layers_that_follow_each_other_are_one_tensor_of_the_mapped_file(path):
    file = OpenFile(path)
    rows = [Stored(file, 3 + 12 * n, np.float32, [3]) for n in range(2)]
    whole = stacked(rows)
    assert whole and not whole.aligned()  # at byte 3
    np.testing.assert_array_equal(np.asarray(whole), NUMBERS)
    assert stacked(rows[::-1]) is None and stacked([NUMBERS, NUMBERS]) is None
    path.with_name("even").write_bytes(b"four" + NUMBERS.tobytes())
    even = Stored(OpenFile(path.with_name("even")), 4, np.float32, [2, 3])
    view = even.view()
    np.testing.assert_array_equal(view, NUMBERS)
    view[0] = 7  # memory of its own, then: the file stays
    np.testing.assert_array_equal(np.asarray(even), NUMBERS)
    (span,) = spans([even[:1], even[1:]])
    np.testing.assert_array_equal(span[-3:], NUMBERS[1])
