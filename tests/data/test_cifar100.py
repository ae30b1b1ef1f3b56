"""CIFAR-100 from small archives of the published format: rows, channels, and every fault."""

import hashlib
import io
import shutil
import sys
import tarfile

import numpy as np
import pytest

from kd_jax.data import cifar100, image_cache, sources
from kd_jax.data.sources import Source, SourceFile
from kd_jax.errors import InputError

NOWHERE = "http://127.0.0.1:9/"  # the discard port: refuses at once
COUNTS = {"train": 300, "test": 100}  # three and one of each class
TRAIN, TEST = cifar100.MEMBERS.values()


def rows(count, seed):
    """Rows as published: superclass, class, red, green and blue plane; the classes take turns."""
    content = np.random.default_rng(seed).integers(256, size=(count, 3074), dtype=np.uint8)
    content[:, 0] = 255  # no superclass: whoever reads it for the class is found out
    content[:, 1] = np.arange(count) % 100
    return content


def write(path, members):
    """A gzipped tar of the members, {name: bytes}, and a text file as the published one has."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {
            "cifar-100-binary/fine_label_names.txt": b"apple\n",
            **members,
        }.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small archive in place of the published one; the rows in it."""
    monkeypatch.setattr(cifar100, "COUNTS", COUNTS)
    monkeypatch.setattr(cifar100, "HELD_OUT", 1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    content = {split: rows(count, seed) for seed, (split, count) in enumerate(COUNTS.items())}
    path = tmp_path / "files" / cifar100.FILE
    write(path, {cifar100.MEMBERS[split]: array.tobytes() for split, array in content.items()})
    wanted = SourceFile(path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    entry = Source("CIFAR-100", NOWHERE, {cifar100.FILE: wanted}, "")
    monkeypatch.setitem(sources.PUBLISHED, "cifar100", entry)
    return content


def load(tmp_path, manual="files"):
    return cifar100.load(tmp_path / "data", manual and tmp_path / manual, seed=0)


def refused(match, function, *arguments):
    with pytest.raises(InputError, match=match) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_row_is_superclass_class_red_green_blue(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar100, "COUNTS", {"train": 1, "test": 1})
    red = bytes([7, 8]) + bytes(1022)  # the first two pixels of the first line
    green = bytes(32) + bytes([9]) + bytes(991)  # the first pixel of the second line
    blue = bytes(1023) + bytes([255])  # the last pixel
    path = tmp_path / cifar100.FILE
    write(path, {TEST: bytes([3, 99]) + bytes(3072), TRAIN: bytes([19, 42]) + red + green + blue})
    found = cifar100.read(path)
    assert list(found) == ["train", "test"]  # though the archive has them the other way round
    (image,), labels = found["train"]
    assert labels.tolist() == [42] and image.shape == (32, 32, 3)
    assert image[0, 0].tolist() == [7, 0, 0] and image[0, 1].tolist() == [8, 0, 0]
    assert image[1, 0].tolist() == [0, 9, 0] and image[31, 31].tolist() == [0, 0, 255]
    assert image.sum(dtype=int) == 7 + 8 + 9 + 255
    assert found["test"][1].tolist() == [99] and not found["test"][0].any()


def test_the_checksum_is_the_one_that_tensorflow_datasets_registers():
    from tensorflow_datasets.core.download.checksums import get_all_url_infos

    source = sources.PUBLISHED["cifar100"]
    info = get_all_url_infos()[source.url + cifar100.FILE]
    assert (int(info.size), info.checksum) == source.files[cifar100.FILE]
    assert cifar100.COUNTS == {"train": 50_000, "test": 10_000}


def test_splits_are_stratified_and_normalised_by_the_training_rows(small, tmp_path):
    data = load(tmp_path)
    assert data.name == "cifar100" and data.classes == 100
    for split, per_class in ((data.train, 2), (data.validation, 1), (data.test, 1)):
        assert split.inputs.shape == (100 * per_class, 32, 32, 3)
        assert split.inputs.dtype == np.float32 and split.labels.dtype == np.int32
        assert np.bincount(split.labels, minlength=100).tolist() == [per_class] * 100
    np.testing.assert_allclose(data.train.inputs.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(data.train.inputs.std((0, 1, 2)), 1, atol=1e-4)
    assert np.abs(data.test.inputs.mean((0, 1, 2))).max() > 1e-4  # not by their own


def test_what_comes_out_of_preparation_is_what_went_in(small, tmp_path, capfd):
    data = load(tmp_path)
    expected = []
    for content in small.values():
        images = content[:, 2:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        expected += [np.ascontiguousarray(images), content[:, 1].copy()]
    assert data.digest == sources.digest(expected)
    _, deviation = cifar100.channel_moments(expected[0])
    steps = np.diff(data.test.inputs[..., 0]) * deviation[0]  # of the red plane, in bytes
    np.testing.assert_allclose(steps, np.diff(expected[2][..., 0].astype(int)), rtol=0.02)
    np.testing.assert_array_equal(data.test.labels, expected[3])
    both = np.concatenate([data.train.labels, data.validation.labels])
    np.testing.assert_array_equal(np.sort(both), np.sort(small["train"][:, 1]))
    assert "tensorflow" not in sys.modules
    assert capfd.readouterr().err.startswith("preparing cifar100 in")
    again = load(tmp_path, manual="")  # from the arrays kept; the archive is not needed
    assert again.digest == data.digest and capfd.readouterr().err == ""
    np.testing.assert_array_equal(again.validation.inputs, data.validation.inputs)
    (tmp_path / "data" / "cifar100" / f"decoded-{cifar100.VERSION}.npz").unlink()
    assert load(tmp_path, manual="").digest == data.digest  # from what TFDS prepared


def test_moments_are_those_of_float64():
    images = np.random.default_rng(0).integers(256, size=(5, 4, 4, 3), dtype=np.uint8)
    mean, deviation = cifar100.channel_moments(images)
    np.testing.assert_allclose(mean, images.astype(np.float64).mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(deviation, images.astype(np.float64).std((0, 1, 2)), rtol=1e-6)


def test_a_missing_file_is_named_with_its_source_and_where_it_goes(small, tmp_path):
    text = refused(f"CIFAR-100 is missing {cifar100.FILE} and {NOWHERE}", load, tmp_path, "")
    assert "--manual_dir=FOLDER" in text
    (tmp_path / "empty").mkdir()
    refused(f"missing {cifar100.FILE}", load, tmp_path, "empty")
    refused("--manual_dir=.*absent is no folder: expected one with cifar", load, tmp_path, "absent")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_wrong_file_is_refused_by_its_checksum(small, tmp_path, damage):
    path = tmp_path / "files" / cifar100.FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "flipped" else content[:-9])
    assert str(path) in refused("SHA-256 .* expected .* it is damaged", load, tmp_path)
    assert not list((tmp_path / "data").rglob("*.npz"))


def test_faults_of_an_archive_are_named(small, tmp_path):
    path = tmp_path / "faulty" / cifar100.FILE
    train, test = small["train"].tobytes(), small["test"].tobytes()
    whole = (tmp_path / "files" / cifar100.FILE).read_bytes()
    refused("is unreadable .*No such file", cifar100.read, path)
    write(path, {TRAIN: train})
    refused(f"lacks {TEST}", cifar100.read, path)
    write(path, {TRAIN: train[:-1], TEST: test})
    refused("train.bin has 922199 bytes, expected 922200 for 300 rows of 3074", cifar100.read, path)
    write(path, {TRAIN: train, TEST: test + b"0"})
    refused("test.bin has 307401 bytes, expected 307400", cifar100.read, path)
    write(path, {TRAIN: b"\0\x64" + train[2:], TEST: test})
    refused("train.bin has the label 100, expected below 100", cifar100.read, path)
    for content in (whole[: len(whole) // 2], whole[:-500], b"no archive at all", b""):
        path.write_bytes(content)
        assert str(path) in refused("is unreadable .*fetch", cifar100.read, path)


def test_a_damaged_cache_is_refused_by_path(small, tmp_path):
    load(tmp_path)
    cache = tmp_path / "data" / "cifar100" / f"decoded-{cifar100.VERSION}.npz"
    content = bytearray(cache.read_bytes())
    content[len(content) // 2] ^= 1  # one bit of an image
    cache.write_bytes(content)
    assert str(cache) in refused("is unreadable .*delete that file", load, tmp_path)
    np.savez(cache, **dict.fromkeys(image_cache.KEYS, np.zeros(3, np.uint8)))
    assert str(cache) in refused("holds .* expected .*delete that file", load, tmp_path)


def test_prepared_rows_of_another_count_are_refused(small, tmp_path, monkeypatch):
    load(tmp_path)
    (tmp_path / "data" / "cifar100" / f"decoded-{cifar100.VERSION}.npz").unlink()
    shutil.rmtree(tmp_path / "files")
    monkeypatch.setattr(cifar100, "COUNTS", {"train": 400, "test": 100})
    refused("train has 300 rows, not 400.*delete .*/cifar100, and", load, tmp_path, "")
