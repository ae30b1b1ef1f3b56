"""What tests of broken input share: damaged files, and what may come of them.

KD_JAX_CASES: how many cases each of them tries, 100 unless it says otherwise; of the bytes of one
file a quarter as many are changed. KD_JAX_SEED: other cases than the usual ones.
"""

import os

import hypothesis
import numpy as np
from hypothesis import strategies as st

from kd_jax.errors import InputError

CASES, GIVEN = int(os.environ.get("KD_JAX_CASES", 100)), os.environ.get("KD_JAX_SEED")
SETTINGS = hypothesis.settings(
    max_examples=CASES, deadline=None, derandomize=not GIVEN, database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)  # fmt: skip


def seed(usual):
    """Of the cases of a test: KD_JAX_SEED, or the usual one."""
    return int(GIVEN or usual)


def many(test):
    """The decorator of a test that hypothesis gives its cases."""
    return SETTINGS(hypothesis.seed(seed(0))(test) if GIVEN else test)


PLACES = st.floats(0, 1, exclude_max=True)  # of a file, from its beginning to its end
KINDS = st.sampled_from(["flip", "set", "cut", "insert", "repeat"])
EDITS = st.lists(st.tuples(KINDS, PLACES, st.binary(max_size=9)), max_size=4)


def edited(content, edits):
    """Bytes after edits, each at its place: (kind, place, bytes)."""
    for kind, place, more in edits:
        at = int(place * len(content))
        if kind == "flip":
            mask = (more or b"\x01")[0] or 1
            content = (
                content[:at] + bytes(b ^ mask for b in content[at : at + 1]) + content[at + 1 :]
            )
        elif kind == "set":
            content = content[:at] + more + content[at + len(more) :]
        elif kind == "cut":
            content = content[:at]
        elif kind == "insert":
            content = content[:at] + more + content[at:]
        else:
            content = content[:at] + content[at // 2 :]
    return content


def damaged(content):
    """Strategy: the bytes of a file with a few edits, now and then bytes of another kind."""
    return st.one_of(EDITS.map(lambda edits: edited(content, edits)), st.binary(max_size=80))


def read_or_refused(read, *arguments):
    """What is read, or None where it was refused in one line; any other error is raised."""
    try:
        return read(*arguments)
    except InputError as error:
        said = str(error)
        assert said and "\n" not in said and len(said) < 1000
        return None


def flips(path):
    """Change one byte of a file in turn, all or CASES / 4 of them; then it is as it was.

    Zeros come last: most of them only fill a file up.
    """
    content, random = path.read_bytes(), np.random.default_rng(9)
    places = random.permutation(len(content))
    places = places[np.argsort(np.frombuffer(content, np.uint8)[places] == 0, kind="stable")]
    try:
        for place in places[: CASES // 4]:
            changed = bytearray(content)
            changed[place] ^= random.integers(1, 256)
            path.write_bytes(changed)
            yield place
    finally:
        path.write_bytes(content)


def count_flips(what, paths, read, same):
    """Print how many changes of a byte of these files were refused, and how many harmless.

    Args: read: () -> what was written there, or None or InputError where it is refused; same:
      whether what was read is that.
    """
    refused = harmless = 0
    for path in paths:
        for place in flips(path):
            found = read_or_refused(read)
            assert found is None or same(found), f"{path} byte {place} was trusted"
            refused += found is None
            harmless += found is not None
    print(f"{what}: {refused} changed bytes refused, {harmless} harmless")
    assert refused > harmless
