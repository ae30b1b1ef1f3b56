"""Image data sets prepared by tensorflow-datasets, without TensorFlow.

The stock builders need TensorFlow to extract and to encode; this one takes numpy arrays from the
layout's reader and yields Pillow images. Its versions differ from the stock ones, which have no row
numbers, so the two can share a data_dir. It extracts nothing: the stock builders name what they
extract by file name alone, and MNIST and Fashion-MNIST name their files alike.
"""

import contextlib
import io
import os
import pathlib
import shutil

import numpy as np
from absl import logging

from kd_jax.data import sources
from kd_jax.errors import InputError, brief, extra, require

with extra("data"):
    import requests
    import tensorflow_datasets as tfds
    from PIL import Image
    from tensorflow_datasets.core.download.checksums import UrlInfo
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
    from tensorflow_datasets.core.download.resource import get_dl_fname
    from tensorflow_datasets.core.download.util import DownloadError
    from tensorflow_datasets.core.registered import skip_registration

BATCH = 1000
LOST = (requests.RequestException, DownloadError)


def arrays(name, layout, data_dir, manual_dir=""):
    """Train images [N, *shape], labels [N], test images [M, *shape], labels [M] of a layout.

    Prepared below data_dir/name/version if they are not yet, from the files in `manual_dir`, from
    what was downloaded before, or from the network; all uint8, in the order of the original files.
    layout: a decoded.Layout.
    The caller sees to it that only one process at a time is here.
    Raises: InputError when files are missing or not the published ones, or when what was prepared
      is damaged. OSError when nothing can be written.
    """
    folder = pathlib.Path(data_dir) / name / layout.version
    if not folder.exists():
        for leftover in folder.parent.glob(f"incomplete.*_{layout.version}"):  # of a killed run
            shutil.rmtree(leftover)
        _prepare(name, layout, data_dir, manual_dir)
    with _readable(folder), _quiet():
        builder = _builder(name, layout, data_dir)
        return [array for split in layout.counts for array in _decoded(builder, layout, split)]


def _prepare(name, layout, data_dir, manual_dir):
    downloads = pathlib.Path(data_dir) / "downloads"
    manual = pathlib.Path(manual_dir) if manual_dir else downloads / "manual"
    absent = list(sources.PUBLISHED[name].files)
    if manual.is_dir():
        absent = sources.check_folder(name, manual)
    absent = [file for file in absent if not _downloaded(name, file, downloads).exists()]
    if absent:
        _reach(name, absent)
    config = tfds.download.DownloadConfig(manual_dir=os.fspath(manual), try_download_gcs=False)
    try:
        with _quiet():
            _builder(name, layout, data_dir).download_and_prepare(download_config=config)
    except LOST as error:
        raise sources.missing(name, absent, type(error).__name__) from None
    except NonMatchingChecksumError as error:
        raise InputError(f"{name}: {brief(error)}; it was changed on the way: try again") from None


def _downloaded(name, file, downloads):
    """Where tensorflow-datasets keeps the file once it has downloaded it."""
    source = sources.PUBLISHED[name]
    return downloads / name / get_dl_fname(source.url + file, source.files[file].sha256)


def _reach(name, files):
    """InputError at once when there is no network; the download would try for minutes."""
    try:
        requests.head(sources.PUBLISHED[name].url + files[0], timeout=10).close()
    except requests.RequestException as error:
        raise sources.missing(name, files, type(error).__name__) from None


def _builder(name, layout, data_dir):
    with skip_registration():  # the stock builder has the name already

        class Builder(tfds.core.GeneratorBasedBuilder):
            """Images, labels and the number of each row in the original file."""

            VERSION = tfds.core.Version(layout.version)
            url_infos = {
                source.url + file: UrlInfo(size=wanted.size, checksum=wanted.sha256, filename=file)
                for source in [sources.PUBLISHED[name]]
                for file, wanted in source.files.items()
            }

            def _info(self):
                return tfds.core.DatasetInfo(builder=self, features=_features(layout))

            def _split_generators(self, dl_manager):
                return {
                    split: self._generate_examples(*content)
                    for split, content in _read_files(name, layout, dl_manager).items()
                }

            def _generate_examples(self, images, labels):
                for row, (image, label) in enumerate(zip(images, labels)):
                    yield row, {"image": Image.fromarray(image), "label": int(label), "row": row}

        Builder.name = name
        return Builder(data_dir=os.fspath(data_dir), file_format="array_record")


def _features(layout):
    shape = (*layout.shape, 1)[:3]  # an image has an axis of channels, even if it is gray
    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=shape),
            "label": tfds.features.ClassLabel(num_classes=layout.classes),
            "row": tfds.features.Scalar(np.int64),
        }
    )


def _read_files(name, layout, dl_manager):
    """Images and labels of each split, from files that are checked even if they were cached."""
    source = sources.PUBLISHED[name]
    paths = dl_manager.download({file: source.url + file for file in source.files})
    for file, path in paths.items():
        sources.check_file(name, path, file)
    return layout.read(paths)


def _decoded(builder, layout, split):
    """uint8 images and labels of a split, put back from TFDS's shuffled order into the file's."""
    source = builder.as_data_source(split)
    images = np.zeros((layout.counts[split], *layout.shape), np.uint8)
    labels = np.zeros(len(images), np.uint8)
    require(len(source) == len(images), f"{split} has {len(source)} rows, not {len(images)}")
    for first in range(0, len(source), BATCH):
        for example in source.__getitems__(range(first, min(first + BATCH, len(source)))):
            images[example["row"]] = example["image"].reshape(layout.shape)
            labels[example["row"]] = example["label"]
    return images, labels


class Rows:
    """The rows of a prepared split, read from disk when they are asked for: a source of grain.

    rows[n] -> {"inputs": float32 image in [0, 1], "labels": int32}, n counting as in the original
    files. What tensorflow-datasets prepared stands in another order, which is read once.
    Raises: InputError, also when a row is asked for, where what was prepared is damaged or gone.
    """

    def __init__(self, name, layout, data_dir, split="train"):
        self.folder, self.shape = pathlib.Path(data_dir) / name / layout.version, layout.shape
        with _readable(self.folder), _quiet():
            builder = _builder(name, layout, data_dir)
            self.source = builder.as_data_source(split)
            skipped = {"image": tfds.decode.SkipDecoding()}
            numbers = builder.as_data_source(split, decoders=skipped)
            self.places = np.empty(layout.counts[split], np.int64)
            for first in range(0, len(self.places), BATCH):
                places = range(first, min(first + BATCH, len(self.places)))
                self.places[[row["row"] for row in numbers.__getitems__(places)]] = places

    def __len__(self):
        return len(self.places)

    def __getitem__(self, row):
        return self.__getitems__([row])[0]

    def __getitems__(self, rows):
        places = self.places[rows].tolist()
        with _readable(self.folder):
            found = self.source.__getitems__(places)
        return [
            {
                "inputs": one["image"].reshape(self.shape).astype(np.float32) / 255,
                "labels": np.int32(one["label"]),
            }
            for one in found
        ]


@contextlib.contextmanager
def _readable(folder):
    """InputError where what tensorflow-datasets prepared in the folder cannot be read."""
    try:
        yield
    except Exception as error:  # protobuf, array_record, Pillow and tfds each raise their own
        raise InputError(
            f"{folder} is unreadable ({brief(error)}): delete {folder.parent}, and it is made anew"
        ) from None


@contextlib.contextmanager
def _quiet():
    """No progress bars and no notes of tensorflow-datasets; errors still come as exceptions."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        logging.set_verbosity(verbosity)
