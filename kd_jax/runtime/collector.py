"""Python's collector of reference cycles, kept from work that makes many objects and drops none.

Loading JAX and listing the files of a zip make so many that the collector, at Python's threshold of
hundreds, goes through all of them again and again: half of the time until work begins.
"""

import contextlib
import gc
from collections.abc import Iterator

OBJECTS = 50_000  # of one hundred bytes or so


@contextlib.contextmanager
def seldom() -> Iterator[None]:
    """Collect after many more new objects than usual, until the block ends."""
    before = gc.get_threshold()
    gc.set_threshold(max(OBJECTS, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
