"""Images as problems: parts by folders or drawn, standardized by the training rows, refusals."""

import zipfile

import numpy as np
import pytest
from drawn_images import drawn, encoded, png_files, write_folder, write_zip
from published import DATA, needed
from refusals import refused

from kd_jax.command import problem
from kd_jax.data import image_cache

# 10 images of each of two classes; the number of a name is the seed of its pixels
NAMES = [f"{'cat' if number < 10 else 'dog'}/{number:02}.png" for number in range(20)]


def in_parts(**counts):
    """Names of so many images of two classes for each part."""
    return [
        f"{part}/{c}/{n}.png" for part, count in counts.items() for c in "ab" for n in range(count)
    ]


def test_class_folders_are_shared_out_and_counted_in_the_order_of_their_names(settings, tmp_path):
    write_folder(tmp_path / "pets", png_files(NAMES))
    found = problem.read(settings(data=tmp_path / "pets"))
    assert (found.name, found.kind, found.classes) == ("pets", "images", ["cat", "dog"])
    assert [len(part.rows) for part in found.parts.values()] == [14, 2, 4]
    for part in found.parts.values():
        assert part.raw is part.inputs and part.inputs.dtype == np.uint8
        np.testing.assert_array_equal(part.inputs, [drawn(int(row)) for row in part.rows])
        assert part.labels.tolist() == (part.rows >= 10).tolist()
    assert found.preprocessing == {"kind": "images", "size": None, "channels": 3}
    pixels = np.stack([drawn(int(row)) for row in found.train.rows]).reshape(-1, 3).astype(float)
    np.testing.assert_allclose(found.mean, pixels.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found.scale, 1 / pixels.std(0), rtol=1e-5)


def test_folders_of_parts_are_the_parts(settings, tmp_path):
    path = write_zip(tmp_path / "z.zip", png_files(in_parts(train=4, val=1, test=2)))
    found = problem.read(settings(data=path))
    assert [part.rows.tolist() for part in found.parts.values()] == [
        [*range(8)], [8, 9], [*range(10, 14)],
    ]  # fmt: skip
    np.testing.assert_array_equal(found.validation.inputs, [drawn(8), drawn(9)])
    assert found.test.labels.tolist() == [0, 0, 1, 1]
    assert not any("drawn" in note for note in found.notes)


def test_another_folder_is_the_test(settings, tmp_path):
    write_folder(tmp_path / "pets", png_files(NAMES))
    write_folder(tmp_path / "others", png_files(["cat/1.png", "dog/2.png"]))
    given = settings(data=tmp_path / "pets", test_data=tmp_path / "others")
    found = problem.read(given)
    # 10 of each by 7 to 1: 8.75 and 1.25
    assert [len(part.rows) for part in found.parts.values()] == [18, 2, 2]
    again = problem.read(given)  # from the cache
    assert again.digest == found.digest
    np.testing.assert_array_equal(again.train.inputs, found.train.inputs)


def test_images_in_no_folders_have_no_labels(settings, tmp_path):
    write_folder(tmp_path / "loose", png_files([f"{n}.png" for n in range(20)]))
    found = problem.read(settings(data=tmp_path / "loose"))
    assert found.classes == [] and found.test.labels is None
    assert [len(part.rows) for part in found.parts.values()] == [14, 2, 4]


def test_gray_images_that_are_all_alike_have_a_finite_scale(settings, tmp_path):
    black = encoded(np.zeros((4, 4), np.uint8))
    write_folder(tmp_path / "black", dict.fromkeys(NAMES, black))
    found = problem.read(settings(data=tmp_path / "black"))
    assert found.preprocessing == {"kind": "images", "size": 4, "channels": 1}
    assert found.mean.tolist() == [0] and found.scale.tolist() == [1]


def test_unreadable_images_are_named_or_skipped_and_counted(settings, tmp_path):
    contents = png_files(NAMES)
    contents["dog/15.png"] = contents["dog/15.png"][:40]
    write_folder(tmp_path / "pets", contents)
    refused("image 16 of 20, dog/15.png, is unreadable.*--skip_unreadable", problem.read,
            settings(data=tmp_path / "pets"))  # fmt: skip
    found = problem.read(settings(data=tmp_path / "pets", skip_unreadable=True))
    assert sum(len(part.rows) for part in found.parts.values()) == 19
    assert any("skipped 1 of 20 images, unreadable: dog/15.png" in note for note in found.notes)


@pytest.mark.parametrize(
    "more, given, match",
    [
        ({"dog/x.png": encoded(drawn(0, 7, 7))}, {}, "several sizes.*--image_size=N"),
        ({"emu/": b""}, {}, "the class folder emu holds no images"),
        ({"x.png": encoded(drawn(0))}, {}, "x.png lies in no class folder"),
        ({}, {"label": "y"}, "--label is given with .*, images: leave it out"),
        ({}, {"image_size": 5000}, "--image_size=5000"),
    ],
)
def test_bad_folders_are_one_line(settings, tmp_path, more, given, match):
    write_folder(tmp_path / "pets", png_files(NAMES) | more)
    refused(match, problem.read, settings(data=tmp_path / "pets", **given))


@pytest.mark.parametrize(
    "contents, match",
    [
        (png_files(["cat/1.png", "cats/1.png"]), "label 'cats' of row 2.*did you mean 'cat'"),
        (png_files(["cat/1.png", "dog/1.png"], height=9), "5 × 9 × 3 and .* 5 × 6 × 3"),
        (png_files(["cat/1.png", "dog/1.png"], channels=1), "5 × 6 × 1 and .* 5 × 6 × 3"),
        (png_files(["1.png", "2.png"]), "has labels and .*others has none"),
        (png_files(in_parts(train=1, test=1)), "holds the parts train, test: expected rows of one"),
    ],
)
def test_another_folder_that_does_not_fit_is_one_line(settings, tmp_path, contents, match):
    write_folder(tmp_path / "pets", png_files(NAMES))
    write_folder(tmp_path / "others", contents)
    given = settings(data=tmp_path / "pets", test_data=tmp_path / "others")
    refused(match, problem.read, given)


def test_a_part_is_not_given_twice(settings, tmp_path):
    write_folder(tmp_path / "pets", png_files(in_parts(train=4, test=2)))
    given = settings(data=tmp_path / "pets", test_data=tmp_path / "pets")
    refused("has a part test: expected one of them", problem.read, given)


def test_a_prepared_set_has_the_parts_that_are_published(settings, monkeypatch):
    random = np.random.default_rng(0)
    arrays = [random.integers(256, size=(count, 28, 28), dtype=np.uint8) for count in (40, 10)]
    labels = [np.arange(count, dtype=np.uint8) % 10 for count in (40, 10)]
    published = [arrays[0], labels[0], arrays[1], labels[1]]
    monkeypatch.setattr(image_cache, "arrays", lambda *given: published)
    found = problem.read(settings(data="tfds:fashion_mnist", split=(0.5, 0.5, 0)))
    assert (found.name, found.kind) == ("fashion_mnist", "images")
    assert found.classes == list("0123456789")
    assert [len(part.rows) for part in found.parts.values()] == [20, 20, 10]
    np.testing.assert_array_equal(found.train.inputs[..., 0], arrays[0][found.train.rows])
    assert found.test.rows.tolist() == [*range(40, 50)]
    assert found.preprocessing == {"kind": "images", "size": 28, "channels": 1}


def test_sets_that_cannot_be_prepared_are_one_line(settings):
    refused("did you mean 'mnist'", problem.read, settings(data="tfds:mnits"))
    refused("np.savez and give --data=FILE.npz", problem.read, settings(data="tfds:svhn"))


def test_cifar_10_as_jpegs(settings, tmp_path):
    source = needed(DATA / "cifar10_jpeg" / "cifar10_jpeg.zip")
    with zipfile.ZipFile(source) as archive:
        chosen = [x for x in archive.namelist() if x.endswith(("000.jpg", "0001.jpg"))]
        write_zip(tmp_path / "cut.zip", {name: archive.read(name) for name in chosen})
    found = problem.read(settings(data=tmp_path / "cut.zip"))
    assert found.classes == [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]  # fmt: skip
    assert found.train.inputs.shape[1:] == (32, 32, 3)
    assert sum(len(part.rows) for part in found.parts.values()) == len(chosen)
