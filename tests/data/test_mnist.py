"""MNIST and Fashion-MNIST: every fault, on small files in the place of the published ones."""

import functools
import gc
import gzip
import hashlib
import http.server
import pickle
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import warnings

import numpy as np
import pytest
from published import ROOT

from kd_jax.data import idx, image_cache, mnist, sources
from kd_jax.data.sources import Source, SourceFile
from kd_jax.errors import InputError

NOWHERE = "http://127.0.0.1:9/"  # the discard port: refuses at once
COUNTS = {"train": 40, "test": 20}
PATCHED = """import pickle, sys
from kd_jax.data import mnist, sources
with open(sys.argv[1], "rb") as file:
    sources.SPLITS, sources.PUBLISHED = pickle.load(file)
mnist.load("mnist", *sys.argv[2:])
"""


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def small_set(title, folder, url, seed):
    """Four files of 40 and 20 random images in `folder`, and their entry in the table."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    arrays, files = [], {}
    for images, labels, count in sources.SPLITS.values():
        for file, shape, top in ((images, (count, 28, 28), 256), (labels, (count,), 10)):
            arrays.append(random.integers(top, size=shape, dtype=np.uint8))
            write_idx(folder / file, arrays[-1])
            content = (folder / file).read_bytes()
            files[file] = SourceFile(len(content), hashlib.sha256(content).hexdigest())
    return arrays, Source(title, url, files, sources.digest(arrays))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Small data sets in place of the published ones; the arrays of "mnist"."""
    splits = {k: (*v[:2], COUNTS[k]) for k, v in sources.SPLITS.items()}
    monkeypatch.setattr(sources, "SPLITS", splits)
    arrays, digits = small_set("MNIST", tmp_path / "digits", NOWHERE, 0)
    _, clothes = small_set("Fashion-MNIST", tmp_path / "clothes", NOWHERE + "f/", 1)
    monkeypatch.setattr(sources, "PUBLISHED", {"mnist": digits, "fashion_mnist": clothes})
    return arrays


def load(tmp_path, manual="digits", name="mnist"):
    return mnist.load(name, tmp_path / "data", manual and tmp_path / manual)


def refused(match, function, *arguments):
    with pytest.raises(InputError, match=match) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_nothing_is_left_in_the_temporary_folder(small, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    load(tmp_path)
    assert not list((tmp_path / "temporary").iterdir())


def test_a_second_process_waits_for_the_one_that_prepares(small, tmp_path, capfd):
    """The first says that it prepares once it holds the lock, then imports for seconds."""
    (tmp_path / "patch").write_bytes(pickle.dumps((sources.SPLITS, sources.PUBLISHED)))
    names = ("patch", "data", "digits")
    command = [sys.executable, "-c", PATCHED, *(str(tmp_path / name) for name in names)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as first:
        line = f"preparing mnist in {tmp_path / 'data'} (once, about half a minute)\n"
        assert first.stderr.readline().decode() == line
        assert load(tmp_path).digest == sources.digest(small)
        assert capfd.readouterr() == ("", "")
        assert (first.communicate()[1], first.returncode) == (b"", 0)


def test_the_second_load_decodes_nothing(small, tmp_path, monkeypatch):
    load(tmp_path)
    for name in ("_prepare", "_write"):
        monkeypatch.setattr(image_cache, name, lambda *_: pytest.fail("it was decoded again"))
    assert len(load(tmp_path).train.labels) == COUNTS["train"]


def test_small_files_come_back_in_order_without_tensorflow(small, tmp_path, capfd):
    data = load(tmp_path)
    np.testing.assert_array_equal(data.train.labels, small[1])
    np.testing.assert_array_equal(np.rint(data.test.inputs * 255), small[2])
    assert data.digest == sources.digest(small)
    assert "tensorflow" not in sys.modules
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("preparing mnist in") and err.count("\n") == 1
    assert load(tmp_path, manual="").digest == data.digest  # the files are not needed again
    assert capfd.readouterr() == ("", "")


def test_both_data_sets_share_a_folder(small, tmp_path):
    assert load(tmp_path).digest != load(tmp_path, "clothes", "fashion_mnist").digest


def test_without_files_it_downloads(small, tmp_path, monkeypatch):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "digits")
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/"
        digits = sources.PUBLISHED["mnist"]._replace(url=here)
        monkeypatch.setitem(sources.PUBLISHED, "mnist", digits)
        assert load(tmp_path, manual="").digest == digits.digest
        server.shutdown()
    shutil.rmtree(tmp_path / "data" / "mnist")  # what was downloaded is used again, if intact
    assert load(tmp_path, manual="").digest == digits.digest
    shutil.rmtree(tmp_path / "data" / "mnist")
    kept = next((tmp_path / "data" / "downloads" / "mnist").glob("*train-images*.gz"))
    kept.write_bytes(b"damaged")
    assert str(kept) in refused("7 bytes", load, tmp_path, "")


def test_without_files_and_network_it_says_what_goes_where(small, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "digits" / "t10k-labels-idx1-ubyte.gz").unlink()
    text = refused("MNIST is missing t10k-labels-idx1-ubyte.gz and", load, tmp_path)
    assert NOWHERE in text and "--manual_dir=FOLDER" in text
    text = refused("MNIST is missing", load, tmp_path, "")
    assert all(file in text for file in sources.PUBLISHED["mnist"].files)


def test_a_wrong_file_is_named(small, tmp_path):
    refused("this is Fashion-MNIST's train-images-idx3-ubyte.gz", load, tmp_path, "clothes")
    path = tmp_path / "digits" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1])
    refused("train-images-idx3-ubyte.gz has .* bytes and SHA-256 .*it is damaged", load, tmp_path)
    refused("--manual_dir=.*nowhere is no folder", load, tmp_path, "nowhere")
    refused("'emnist' is unknown: expected mnist or fashion_mnist", mnist.load, "emnist")


def test_what_a_killed_preparation_left_is_no_hindrance(small, tmp_path):
    left = tmp_path / "data" / "mnist" / f"incomplete.AB12CD_{mnist.VERSION}"
    left.mkdir(parents=True)
    (left / "mnist-train.array_record-00000-of-00001").write_bytes(b"half")
    (left.parent / f"decoded-{mnist.VERSION}.partial").write_bytes(b"half")
    load(tmp_path)
    names = {path.name for path in left.parent.iterdir()} - {f"decoded-{mnist.VERSION}.lock"}
    assert names == {mnist.VERSION, f"decoded-{mnist.VERSION}.npz"}


def test_an_interrupted_preparation_leaves_nothing_that_looks_finished(
    small, tmp_path, monkeypatch
):
    def interrupted(_path, _shape):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(idx, "read", interrupted)
        load(tmp_path)
    assert load(tmp_path).digest == sources.digest(small)


@pytest.fixture
def collected():
    """A function that collects what the test left, without a look through all from before it."""
    gc.freeze()
    yield gc.collect
    gc.unfreeze()


@pytest.mark.parametrize("damage", ["cut", "flipped", "other", "pickled"])
def test_a_damaged_cache_is_refused_by_path(small, tmp_path, damage, collected):
    load(tmp_path)
    cache = tmp_path / "data" / "mnist" / f"decoded-{mnist.VERSION}.npz"
    if damage == "cut":
        cache.write_bytes(cache.read_bytes()[:-100])
    elif damage == "flipped":
        small[0][3, 14, 14] ^= 1
        np.savez(cache, **dict(zip(image_cache.KEYS, small)))
    elif damage == "other":
        np.savez(cache, **dict.fromkeys(image_cache.KEYS, np.zeros(3, np.uint8)))
    else:
        np.savez(cache, **dict.fromkeys(image_cache.KEYS, np.array([{}], object)))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert str(cache) in refused("delete that file", load, tmp_path)
        collected()
    open_files = [
        w for w in warned if w.category is ResourceWarning and str(cache) in str(w.message)
    ]
    assert not open_files
    cache.unlink()
    load(tmp_path)


def test_a_damaged_prepared_folder_is_refused_by_path(small, tmp_path):
    load(tmp_path)
    (tmp_path / "data" / "mnist" / f"decoded-{mnist.VERSION}.npz").unlink()
    folder = tmp_path / "data" / "mnist" / mnist.VERSION
    record = next(folder.glob("*train*"))
    record.write_bytes(record.read_bytes()[:-50])
    assert str(folder) in refused(f"delete {folder.parent}", load, tmp_path)


def test_a_folder_that_cannot_be_written_is_named(small, tmp_path, monkeypatch):
    (tmp_path / "data").write_text("a file")
    refused("data/mnist cannot be written.*--data_dir", load, tmp_path)
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "data"))
    text = refused("--data_dir", mnist.load, "mnist", "", tmp_path / "digits")
    assert "data/tensorflow_datasets/mnist cannot be written" in text


def test_streamed_rows_are_those_that_are_held_in_memory(small, tmp_path):
    data = load(tmp_path)
    rows = mnist.streamed("mnist", tmp_path / "data", tmp_path / "digits")
    assert len(rows) == COUNTS["train"]
    for number in (0, 7, 39):
        np.testing.assert_array_equal(rows[number]["inputs"], data.train.inputs[number])
        assert rows[number]["labels"] == data.train.labels[number]


def test_the_shipped_digits_need_no_file_and_all_of_them_do(small, tmp_path):
    shipped = mnist.images(True, tmp_path / "none", tmp_path / "none")
    assert (shipped.name, len(shipped.train.labels)) == ("MNIST 5k", 3000)
    found = mnist.images(False, tmp_path / "data", tmp_path / "digits")
    assert (found.name, len(found.train.labels)) == ("mnist", COUNTS["train"])
