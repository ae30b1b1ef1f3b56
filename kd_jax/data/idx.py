"""Reader of the idx files of the MNIST family: a magic number, dimensions, unsigned bytes.

http://yann.lecun.com/exdb/mnist describes it: two zero bytes, 8 for unsigned bytes, the number of
dimensions, then each dimension as a big-endian 32-bit number, then the values in C order.
"""

import gzip
import math
import os
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from kd_jax.errors import require, unreadable

UNSIGNED_BYTE = 8


def read(path: str | os.PathLike, shape: Sequence[int]) -> UInt8[np.ndarray, "..."]:
    """The array that a gzipped idx file holds.

    Args:
        path: of the file.
        shape: of the array, known beforehand: nothing larger is ever allocated, whatever the file
            claims.

    Raises:
        InputError: the file is missing or no gzip, is cut short, is followed by more, or its
            header claims another type or another shape.
    """
    try:
        with gzip.open(path, "rb") as file:
            _check_header(path, file, shape)
            count = math.prod(shape)
            content = file.read(count + 1)  # gzip checks its own sum where the file ends
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(str(path), error, "fetch the original again") from None
    require(
        len(content) == count,
        f"{path} holds {'fewer' if len(content) < count else 'more'} values than the {count} "
        "that its header claims: fetch the original again",
    )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _check_header(path, file, shape):
    expected = (0, 0, UNSIGNED_BYTE, len(shape))
    magic = tuple(file.read(4))
    require(
        magic == expected,
        f"{path} begins with the bytes {_text(magic)}, expected {_text(expected)}: "
        f"it is no idx file of {len(shape)} dimensions",
    )
    sizes = file.read(4 * len(shape))
    require(len(sizes) == 4 * len(shape), f"{path} ends within its header: fetch it again")
    found = struct.unpack(f">{len(shape)}I", sizes)
    require(
        found == tuple(shape),
        f"{path} claims {_text(found, ' × ')} values, expected {_text(shape, ' × ')}: "
        "it is another file or its header is damaged",
    )


def _text(numbers, separator=" "):
    return separator.join(map(str, numbers)) or "nothing"
