"""The idx reader: what it accepts, and that a lying or damaged file is refused by name."""

import gzip
import struct

import pytest

from kd_jax.data import idx
from kd_jax.errors import InputError

IMAGES = struct.pack(">BBBB3I", 0, 0, 8, 3, 2, 28, 28) + bytes(2 * 28 * 28)
LABELS = struct.pack(">BBBBI", 0, 0, 8, 1, 200) + bytes(range(200))


def test_values_come_in_the_order_of_the_file(tmp_path):
    (tmp_path / "labels.gz").write_bytes(gzip.compress(LABELS))
    assert idx.read(tmp_path / "labels.gz", (200,)).tolist() == list(range(200))


@pytest.mark.parametrize(
    "content, message",
    [
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 2**20, 2**10, 2**10), "claims 1048576 × 1024 × 1024"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 2, 28, 27) + bytes(1512), "claims 2 × 28 × 27"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 2) + bytes(2), "begins with the bytes 0 0 8 1"),
        (struct.pack(">BBBB3I", 0, 0, 13, 3, 2, 28, 28), "begins with the bytes 0 0 13 3"),
        (b"", "begins with the bytes nothing"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (IMAGES[:-1], "holds fewer values than the 1568"),
        (IMAGES + b"x", "holds more values than the 1568"),
    ],
)
def test_an_idx_file_that_lies_is_refused(tmp_path, content, message):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(InputError, match=message) as error:
        idx.read(path, (2, 28, 28))
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("damage", ["cut", "plain", "flipped", "missing"])
def test_a_damaged_gzip_is_refused(tmp_path, damage):
    path = tmp_path / "labels.gz"
    content = bytearray(gzip.compress(LABELS))
    path.write_bytes(content)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[:-20])
    elif damage == "plain":
        path.write_bytes(gzip.decompress(content))
    else:
        content[-6] ^= 1  # in the checksum
        path.write_bytes(content)
    with pytest.raises(InputError, match="labels.gz is unreadable"):
        idx.read(path, (200,))
