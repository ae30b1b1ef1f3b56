"""MNIST and Fashion-MNIST as published: what `load` gives, and that these files are expected."""

import subprocess
import sys

import numpy as np
import pytest
from published import DATA, ROOT, needed

from kd_jax.data import idx, image_cache, mnist, sources
from kd_jax.errors import InputError

LOAD = "import sys; from kd_jax.data import mnist; mnist.load(*sys.argv[1:])"


def original(name):
    return needed(DATA / name)


@pytest.fixture(scope="module")
def decoded(tmp_path_factory):
    """A data_dir with the real MNIST decoded, without the half minute that preparing it takes."""
    data_dir, found = tmp_path_factory.mktemp("data"), []
    for images, labels, count in sources.SPLITS.values():
        found.append(idx.read(original("mnist") / images, (count, 28, 28)))
        found.append(idx.read(original("mnist") / labels, (count,)))
    (data_dir / "mnist").mkdir()
    cache = data_dir / "mnist" / f"decoded-{mnist.VERSION}.npz"
    np.savez(cache, **dict(zip(image_cache.KEYS, found)))
    return data_dir


@pytest.mark.slow
def test_of_two_processes_one_prepares_the_real_files_and_says_so_in_one_line(tmp_path, decoded):
    command = [sys.executable, "-c", LOAD, "mnist", str(tmp_path), str(original("mnist"))]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    line = f"preparing mnist in {tmp_path} (once, about half a minute)\n"
    assert sorted(said) == ["", line]
    np.testing.assert_equal(mnist.load("mnist", tmp_path), mnist.load("mnist", decoded))


def test_the_order_is_the_official_one(decoded):
    data = mnist.load("mnist", decoded)
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.train.inputs.shape == (60000, 28, 28) and data.test.inputs.shape == (10000, 28, 28)
    assert data.validation.inputs.shape == (0, 28, 28) and data.validation.labels.shape == (0,)
    assert data.train.inputs.dtype == np.float32 and data.train.labels.dtype == np.int32
    assert data.train.inputs.min() == 0 and data.train.inputs.max() == 1
    assert np.bincount(data.test.labels)[3] == 1010  # the threes that papers count
    raw = idx.read(original("mnist") / "t10k-images-idx3-ubyte.gz", (10000, 28, 28))
    np.testing.assert_allclose(data.test.inputs * 255, raw, atol=1e-4)


def test_real_fashion_mnist_offered_as_mnist_is_refused(decoded):
    with pytest.raises(InputError, match="this is Fashion-MNIST") as error:
        mnist.load("mnist", decoded, original("fashion_mnist"))
    text = str(error.value)
    assert "train-images-idx3-ubyte.gz" in text and "26421880 bytes" in text and "\n" not in text


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_digest_is_that_of_the_published_files(name):
    folder, arrays = original(name), []
    assert sources.check_folder(name, folder) == []
    for images, labels, count in sources.SPLITS.values():
        arrays.append(idx.read(folder / images, (count, 28, 28)))
        arrays.append(idx.read(folder / labels, (count,)))
    assert sources.digest(arrays) == sources.PUBLISHED[name].digest


def test_checksums_are_those_that_tensorflow_datasets_registers():
    from tensorflow_datasets.core.download.checksums import get_all_url_infos

    registered = get_all_url_infos()
    for source in sources.PUBLISHED.values():
        for file, wanted in source.files.items():
            info = registered[source.url + file]
            assert (int(info.size), info.checksum) == wanted
