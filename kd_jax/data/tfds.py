"""Image data sets prepared by tensorflow-datasets, without TensorFlow.

The stock builders need TensorFlow to extract and to encode; this one takes numpy arrays from the
reader of an ImageSet and yields Pillow images. Its versions differ from the stock ones, which have
no row numbers, so the two can share a data_dir. It extracts nothing: the stock builders name what
they extract by file name alone, and MNIST and Fashion-MNIST name their files alike.
"""

import contextlib
import io
import os
import pathlib
import shutil
from collections.abc import Sequence

import numpy as np
from absl import logging
from jaxtyping import UInt8

from kd_jax.data import sources
from kd_jax.data.image_cache import ImageSet
from kd_jax.errors import InputError, brief, extra, require, unreadable

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


def arrays(
    name: str,
    image_set: ImageSet,
    data_dir: str | os.PathLike,
    manual_dir: str | os.PathLike = "",
) -> list[UInt8[np.ndarray, "..."]]:
    """The images and labels of a data set, which is prepared if it is not yet.

    It is prepared below data_dir/name/version from the files in `manual_dir`, from what was
    downloaded before, or from the network. The caller sees to it that only one process at a time
    is here.

    Args:
        name: of sources.PUBLISHED.
        image_set: what its files hold.
        data_dir: where prepared data sets are.
        manual_dir: folder with the original files; "" downloads them.

    Returns:
        Train images [N, *shape] and labels [N], test images [M, *shape] and labels [M], in the
        order of the original files.

    Raises:
        InputError: files are missing or not the published ones, or what was prepared is damaged.
        OSError: nothing can be written.
    """
    folder = pathlib.Path(data_dir) / name / image_set.version
    if not folder.exists():
        for leftover in folder.parent.glob(f"incomplete.*_{image_set.version}"):  # of a killed run
            shutil.rmtree(leftover)
        _prepare(name, image_set, data_dir, manual_dir)
    with _readable(folder), _quiet():
        builder = _builder(name, image_set, data_dir)
        return [
            array for split in image_set.counts for array in _decoded(builder, image_set, split)
        ]


def _prepare(name, image_set, data_dir, manual_dir):
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
            _builder(name, image_set, data_dir).download_and_prepare(download_config=config)
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


class _Info(tfds.core.DatasetInfo):
    def initialize_from_bucket(self) -> None:
        """Nothing: no bucket knows these versions, and asking leaves a folder in /tmp."""


def _builder(name, image_set, data_dir):
    with skip_registration():  # the stock builder has the name already

        class Builder(tfds.core.GeneratorBasedBuilder):
            """Images, labels and the number of each row in the original file."""

            VERSION = tfds.core.Version(image_set.version)
            url_infos = {
                source.url + file: UrlInfo(size=wanted.size, checksum=wanted.sha256, filename=file)
                for source in [sources.PUBLISHED[name]]
                for file, wanted in source.files.items()
            }

            def _info(self):
                return _Info(builder=self, features=_features(image_set))

            def _split_generators(self, dl_manager):
                return {
                    split: self._generate_examples(*content)
                    for split, content in _read_files(name, image_set, dl_manager).items()
                }

            def _generate_examples(self, images, labels):
                for row, (image, label) in enumerate(zip(images, labels)):
                    yield row, {"image": Image.fromarray(image), "label": int(label), "row": row}

        Builder.name = name
        return Builder(data_dir=os.fspath(data_dir), file_format="array_record")


def _features(image_set):
    shape = (*image_set.shape, 1)[:3]  # an image has an axis of channels, even if it is gray
    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=shape),
            "label": tfds.features.ClassLabel(num_classes=image_set.classes),
            "row": tfds.features.Scalar(np.int64),
        }
    )


def _read_files(name, image_set, dl_manager):
    """Images and labels of each split, from files that are checked even if they were cached."""
    source = sources.PUBLISHED[name]
    paths = dl_manager.download({file: source.url + file for file in source.files})
    for file, path in paths.items():
        sources.check_file(name, path, file)
    return image_set.read(paths)


def _decoded(builder, image_set, split):
    """uint8 images and labels of a split, put back from TFDS's shuffled order into the file's."""
    source = builder.as_data_source(split)
    images = np.zeros((image_set.counts[split], *image_set.shape), np.uint8)
    labels = np.zeros(len(images), np.uint8)
    require(len(source) == len(images), f"{split} has {len(source)} rows, not {len(images)}")
    for first in range(0, len(source), BATCH):
        for example in source.__getitems__(range(first, min(first + BATCH, len(source)))):
            images[example["row"]] = example["image"].reshape(image_set.shape)
            labels[example["row"]] = example["label"]
    return images, labels


class Rows:
    """The rows of a prepared split, read from disk on access: a source of grain.

    rows[n] -> {"inputs": float32 image in [0, 1], "labels": int32}, n counting as in the original
    files. What tensorflow-datasets prepared stands in another order, which is read once. InputError
    is raised, on access too, where what was prepared is damaged or gone.
    """

    def __init__(
        self, name: str, image_set: ImageSet, data_dir: str | os.PathLike, split: str = "train"
    ):
        """Read the order of the prepared rows.

        Args:
            name: of sources.PUBLISHED.
            image_set: what its files hold.
            data_dir: where prepared data sets are.
            split: "train" or "test".
        """
        self.folder, self.shape = pathlib.Path(data_dir) / name / image_set.version, image_set.shape
        with _readable(self.folder), _quiet():
            builder = _builder(name, image_set, data_dir)
            self.source = builder.as_data_source(split)
            skipped = {"image": tfds.decode.SkipDecoding()}
            numbers = builder.as_data_source(split, decoders=skipped)
            self.places = np.empty(image_set.counts[split], np.int64)
            for first in range(0, len(self.places), BATCH):
                places = range(first, min(first + BATCH, len(self.places)))
                self.places[[row["row"] for row in numbers.__getitems__(places)]] = places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, row: int) -> dict:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[int]) -> list[dict]:
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
        advice = f"delete {folder.parent}, and it is made anew"
        raise unreadable(str(folder), error, advice) from None


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
