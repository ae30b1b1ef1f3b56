"""Prepared image sets are read as tensorflow-datasets wrote them; others are refused in a line."""

import json

import numpy as np
import pytest
from refusals import refused

from kd_jax.data import prepared_sets

tfds = pytest.importorskip("tensorflow_datasets", reason="needs the extra data")
RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.integers(0, 256, size=(7, 4, 5, 3), dtype=np.uint8)
LABELS = np.array([0, 2, 1, 1, 0, 2, 2])
FEATURES = {
    "image": tfds.features.Image(),
    "label": tfds.features.ClassLabel(names=["b", "a", "ç"]),
}


def prepare(folder, called, features, rows, version="1.0.0"):
    """A set of such rows, prepared by tensorflow-datasets' own builder."""
    from tensorflow_datasets.core.registered import skip_registration

    with skip_registration():

        class Builder(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version(version)
            url_infos = {}  # so that it looks for no file of checksums beside this one

            def _info(self):
                return tfds.core.DatasetInfo(
                    builder=self, features=tfds.features.FeaturesDict(features)
                )

            def _split_generators(self, dl_manager):
                return {"train": self._generate_examples(), "test": self._generate_examples()}

            def _generate_examples(self):
                yield from enumerate(rows)

        Builder.name = called
        builder = Builder(data_dir=str(folder), file_format="array_record")
        builder.download_and_prepare()


def of_images(images, labels=LABELS):
    """Rows as the builder takes them: it encodes arrays by TensorFlow, and Pillow's without."""
    image = pytest.importorskip("PIL.Image", reason="needs the extra data")
    return [{"image": image.fromarray(x), "label": int(y)} for x, y in zip(images, labels)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("prepared")
    prepare(place, "mine", FEATURES, of_images(IMAGES[:3]))
    prepare(place, "mine", FEATURES, of_images(IMAGES), version="1.10.0")
    prepare(place, "mixed", FEATURES, of_images([np.zeros((n, 4, 3), np.uint8) for n in (4, 5)]))
    prepare(place, "texts", {"text": tfds.features.Text()}, [{"text": "a"}])
    return place


def test_the_newest_version_is_read_row_by_row(folder):
    found = prepared_sets.read("mine", folder)
    assert found.classes == ["b", "a", "ç"] and {*found.splits} == {"train", "test"}
    images, labels = found.splits["train"]
    assert images.dtype == np.uint8 and labels.dtype == np.int32
    # the writer shuffles: rows are told by their pixels
    order = [[np.array_equal(x, y) for y in IMAGES].index(True) for x in images]
    assert sorted(order) == list(range(7))
    np.testing.assert_array_equal(labels, LABELS[order])


def test_what_is_no_image_set_is_one_line(folder):
    refused("tfds:none is not prepared in .*np.savez", prepared_sets.read, "none", folder)
    refused("tfds:../mine is not prepared", prepared_sets.read, "../mine", folder)
    refused("holds text: expected images", prepared_sets.read, "texts", folder)
    refused("images of the shapes .*: expected images", prepared_sets.read, "mixed", folder)
    broken = folder / "mine" / "2.0.0"
    broken.mkdir()
    (broken / "features.json").write_text(json.dumps({}))
    refused("2.0.0 is unreadable .*: prepare it", prepared_sets.read, "mine", folder)
