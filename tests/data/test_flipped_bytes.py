"""One changed byte in a data set, anywhere from its published file to what is kept of it."""

import hashlib
import pathlib

import fuzzing
import numpy as np
import pytest

from kd_jax.data import image_cache, sources, tfds
from kd_jax.data.sources import Source, SourceFile

NAME, VERSION, ROWS, SIDE = "tiny", "1.0.0", {"train": 12, "test": 6}, 4
TABLE = np.random.default_rng(3).integers(10, size=(18, 1 + SIDE**2), dtype=np.uint8)
LABELS, IMAGES = TABLE[:, 0], TABLE[:, 1:].reshape(-1, SIDE, SIDE)
WANTED = IMAGES[:12], LABELS[:12], IMAGES[12:], LABELS[12:]


def layout():
    def read(paths):
        rows = np.frombuffer(pathlib.Path(paths["tiny.bin"]).read_bytes(), np.uint8)
        labels, images = np.split(rows.reshape(TABLE.shape), [1], axis=1)
        images, labels = images.reshape(IMAGES.shape), labels[:, 0]
        return {"train": (images[:12], labels[:12]), "test": (images[12:], labels[12:])}

    return image_cache.ImageSet(VERSION, (SIDE, SIDE), 10, ROWS, read)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a data set as published, and prepared; nobody knows its digest beforehand."""
    content = TABLE.tobytes()
    wanted = SourceFile(len(content), hashlib.sha256(content).hexdigest())
    entry = Source("Tiny", "http://127.0.0.1:9/", {"tiny.bin": wanted}, "")
    monkeypatch.setitem(sources.PUBLISHED, NAME, entry)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "tiny.bin").write_bytes(content)
    assert same(load(tmp_path))
    return tmp_path


def load(folder):
    return image_cache.arrays(NAME, layout(), folder / "data", folder / "files")


def same(found):
    return all(map(np.array_equal, found, WANTED))


def test_published_files(folder):
    fuzzing.count_flips("published", [folder / "files" / "tiny.bin"], lambda: load(folder), same)


def test_decoded_arrays(folder):
    cache = folder / "data" / NAME / f"decoded-{VERSION}.npz"
    fuzzing.count_flips("decoded", [cache], lambda: load(folder), same)


def kept(folder):
    return sorted((folder / "data" / NAME / VERSION).iterdir())


def test_what_tensorflow_datasets_prepared(folder):
    def read():
        return tfds.arrays(NAME, layout(), folder / "data")

    fuzzing.count_flips("prepared", kept(folder), read, same)


def test_rows_that_are_read_from_disk(folder):
    def read():
        rows = tfds.Rows(NAME, layout(), folder / "data")
        found = [rows[number] for number in range(12)]
        assert len(rows) == 12
        return [np.stack([row[name] for row in found]) for name in ("inputs", "labels")]

    def same(found):
        return np.allclose(found[0] * 255, WANTED[0], atol=1e-4) and (found[1] == WANTED[1]).all()

    of_train = [path for path in kept(folder) if "-test" not in path.name]
    fuzzing.count_flips("streamed", of_train, read, same)
