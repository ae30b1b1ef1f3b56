"""Arrays kept block by block: gone on with after a stop, refused when damaged."""

import json
import resource

import numpy as np
import pytest

from kd_jax.errors import InputError
from kd_jax.storage import block_cache

ROWS, SIZE = 10, 4  # blocks of 4, 4 and 2 rows
FACTS = {"of": "a test"}
OTHER = '{"facts": {"of": "no test"}, "arrays": {}, "digests": []}'
WANTED = {
    "square": np.arange(ROWS)[:, None] ** 2 * np.ones(3, np.float32),
    "even": np.arange(ROWS) % 2,
}


class Source:
    """Gives the rows of WANTED and stops with an error before row `until`; asked: from where."""

    def __init__(self, until=ROWS):
        self.until, self.asked = until, []

    def __call__(self, first):
        self.asked.append(first)
        for start in range(first, ROWS, SIZE):
            if start >= self.until:
                raise KeyboardInterrupt
            yield {name: x[start : start + SIZE] for name, x in WANTED.items()}


def kept(folder, source, **options):
    return block_cache.cached(folder, FACTS, ROWS, SIZE, source, label="a test", **options)


def where(folder):
    (path,) = folder.glob("arrays-*")
    return path


def assert_wanted(found):
    assert found.keys() == WANTED.keys()
    for name, x in found.items():
        assert isinstance(x, np.memmap) and not x.flags.writeable
        np.testing.assert_array_equal(x, WANTED[name])


def test_arrays_are_computed_once_and_mapped(tmp_path):
    source = Source()
    assert_wanted(kept(tmp_path, source))
    assert_wanted(kept(tmp_path, source))
    assert source.asked == [0]
    assert_wanted(kept(tmp_path, source, again=True))
    assert source.asked == [0, 0]


@pytest.mark.parametrize("until, left", [(0, 0), (4, 4), (8, 8)])
def test_after_a_stop_only_the_missing_blocks_are_computed(tmp_path, until, left):
    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, Source(until))
    source = Source()
    assert_wanted(kept(tmp_path, source))
    assert source.asked == [left]


def test_what_was_half_written_is_computed_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, Source(4))
    file = np.load(where(tmp_path) / "square.npy", mmap_mode="r+")
    file[4:7] = 5.0  # a block that blocks.json does not name
    file.flush()
    assert_wanted(kept(tmp_path, Source()))


def damage(path, name):
    content = bytearray((path / name).read_bytes())
    content[-1] ^= 1
    (path / name).write_bytes(content)


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda path: damage(path, "square.npy"), "is corrupted"),
        (lambda path: (path / "even.npy").unlink(), "even.npy is unreadable"),
        (lambda path: (path / "even.npy").write_bytes(b"no"), "even.npy is unreadable"),
        (lambda path: np.save(path / "even.npy", np.arange(3)), "of another shape"),
        (lambda path: (path / "blocks.json").write_text("{"), "blocks.json is unreadable"),
        (
            lambda path: (path / "blocks.json").write_text(OTHER),
            r"is of \w{16}, expected \w{16} .other numerics, of, versions.: ",
        ),
    ],
)
def test_damage_is_one_line_and_nothing_is_computed(tmp_path, spoil, said):
    kept(tmp_path, Source())
    spoil(where(tmp_path))
    source = Source()
    with pytest.raises(InputError, match=said) as caught:
        kept(tmp_path, source)
    assert "\n" not in str(caught.value) and str(caught.value).endswith("delete that folder")
    assert not source.asked


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        kept(tmp_path / "file", Source())


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(InputError, match="cannot be written: File too large"):
            kept(tmp_path, Source())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_wanted(kept(tmp_path, Source()))


def test_facts_tell_arrays_apart(tmp_path):
    kept(tmp_path, Source())
    other = block_cache.cached(tmp_path, {"of": "another"}, ROWS, SIZE, Source(), label="another")
    assert_wanted(other)
    assert len(list(tmp_path.glob("arrays-*"))) == 2
    seal = json.loads(next(tmp_path.glob("arrays-*/blocks.json")).read_text())
    assert len(seal["digests"]) == 3
