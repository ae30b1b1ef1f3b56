"""Images in class folders come as they were drawn, from folders and zips, parts and the cache."""

import os
import pathlib
import zipfile

import numpy as np
import pytest
from drawn_images import drawn, encoded, png_files, write_folder, write_zip
from PIL import Image
from published import DATA, needed

from kd_jax.data import image_folder
from kd_jax.data.image_decoding import decode

NAMES = ["cat/a.png", "cat/b.png", "dog/10.png", "dog/9.PNG"]


def same(one, other):
    assert list(one.parts) == list(other.parts) and one.classes == other.classes
    for part, images in one.parts.items():
        for ours, theirs in zip(images, other.parts[part]):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
    assert one.digest == other.digest


def lanczos(pixels, size):
    """The shorter side resized by the definition of the filter, then the middle square cut out."""
    side = min(pixels.shape[:2])
    scale = side / size
    found = pixels.astype(np.float64)
    for axis, length in enumerate(pixels.shape[:2]):
        centers = (length - side) // 2 + (np.arange(size) + 0.5) * scale
        x = (np.arange(length) + 0.5 - centers[:, None]) / max(scale, 1)
        weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
        weights /= weights.sum(1, keepdims=True)
        found = np.moveaxis(np.tensordot(weights, found, (1, axis)), 0, axis)
    return found


def test_images_labels_and_names_are_those_of_the_files(tmp_path):
    found = image_folder.read(write_folder(tmp_path, png_files(NAMES)))
    images, labels, files = found.parts["train"]
    assert list(found.parts) == ["train"] and found.classes == ["cat", "dog"]
    np.testing.assert_array_equal(images, [drawn(seed) for seed in range(4)])
    assert labels.tolist() == [0, 0, 1, 1] and labels.dtype == np.int32
    assert files.tolist() == NAMES  # "10" stands before "9", as texts do


def test_a_zip_is_its_folder_also_within_another_folder(tmp_path):
    contents = png_files(["train/b/1.png", "train/a-b/1.png", "test/b/x/1.png", "Val/b/1.png"])
    there = image_folder.read(write_folder(tmp_path / "plain", contents))
    assert list(there.parts) == ["train", "validation", "test"]
    assert there.classes == ["a-b", "b"] and there.parts["test"].labels.tolist() == [1]
    same(image_folder.read(write_zip(tmp_path / "a.zip", contents)), there)
    wrapped = {f"outer/in/{name}": content for name, content in contents.items()}
    rubbish = {"__MACOSX/outer/b/._1.png": b"", "outer/.DS_Store": b"", "outer/in/Thumbs.db": b""}
    for found in (
        image_folder.read(write_zip(tmp_path / "b.zip", wrapped | rubbish)),
        image_folder.read(write_folder(tmp_path / "wrapped", wrapped | rubbish)),
    ):
        assert found.digest == there.digest  # of content, not of names of files
        np.testing.assert_array_equal(found.parts["test"].images, [drawn(2)])
    windows = {name.replace("/", "\\"): content for name, content in contents.items()}
    same(image_folder.read(write_zip(tmp_path / "c.zip", windows)), there)


def test_a_folder_named_train_beside_other_classes_is_a_class(tmp_path):
    found = image_folder.read(write_folder(tmp_path, png_files(["train/1.png", "bus/1.png"])))
    assert found.classes == ["bus", "train"] and len(found.parts["train"].images) == 2


def test_what_is_not_read_is_said_in_one_line(tmp_path, capsys):
    contents = png_files(["train/a/1.png", "train/b/1.png", "test/a/1.png"])
    more = {"readme.txt": b"", "train/a/\x1b.csv": b"", "train/a/Thumbs.db": b""}
    image_folder.read(write_folder(tmp_path, contents | more))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "\x1b" not in said[0]
    assert "not read, as no images" in said[0] and "(2)" in said[0] and "readme.txt" in said[0]


def test_images_in_no_class_folders_have_no_classes(tmp_path):
    found = image_folder.read(write_folder(tmp_path, png_files(["b.png", "a.png"])))
    assert found.classes == [] and found.parts["train"].files.tolist() == ["a.png", "b.png"]
    np.testing.assert_array_equal(found.parts["train"].images, [drawn(1), drawn(0)])


def test_links_are_followed_once(tmp_path, capsys):
    write_folder(tmp_path, png_files(["data/a/1.png", "data/b/1.png", "elsewhere/1.png"]))
    (tmp_path / "data" / "a" / "circle").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "c").symlink_to(tmp_path / "elsewhere")
    found = image_folder.read(tmp_path / "data")
    assert found.parts["train"].files.tolist() == ["a/1.png", "b/1.png", "c/1.png"]
    assert "a/circle" in capsys.readouterr().err


def test_all_are_gray_or_all_are_rgb(tmp_path):
    gray = drawn(0, channels=1)
    contents = {
        "a/1.png": encoded(gray),
        "a/2.png": encoded(np.repeat(gray[..., None], 3, -1)),  # RGB, with no color in it
        "b/1.png": encoded(Image.fromarray(gray).convert("LA")),
        "b/2.png": encoded(Image.fromarray(gray.astype(np.uint16) * 257)),
        "b/3.pgm": encoded(gray, "ppm"),
    }
    images = image_folder.read(write_folder(tmp_path, contents)).parts["train"].images
    np.testing.assert_array_equal(images, [gray[..., None]] * 5)
    write_folder(tmp_path, {"b/4.png": encoded(drawn(1))})
    images = image_folder.read(tmp_path).parts["train"].images
    np.testing.assert_array_equal(images[:5], [np.repeat(gray[..., None], 3, -1)] * 5)
    np.testing.assert_array_equal(images[5], drawn(1))


def test_transparent_rotated_and_other_kinds_of_pixels():
    pixels, alpha = drawn(0), drawn(1, channels=1)
    weight = alpha[..., None] / 255
    found = decode(encoded(np.concatenate([pixels, alpha[..., None]], -1)))
    np.testing.assert_allclose(found, pixels * weight + 255 * (1 - weight), atol=1)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right by 90 degrees
    turned = decode(encoded(pixels, exif=exif.tobytes()))
    np.testing.assert_array_equal(turned, np.rot90(pixels, -1))
    palette = Image.fromarray(pixels // 128 * 128).quantize(8)
    np.testing.assert_array_equal(decode(encoded(palette, "gif")), pixels // 128 * 128)
    cmyk = Image.fromarray(255 - np.concatenate([pixels, np.full((6, 5, 1), 255, np.uint8)], -1))
    found = decode(encoded(Image.frombytes("CMYK", cmyk.size, cmyk.tobytes()), "tiff"))
    np.testing.assert_allclose(found, pixels, atol=1)  # no black: red is the rest of cyan
    deep = np.array([[0, 128, 129, 257 * 7, 65535]], np.uint16)
    assert decode(encoded(Image.fromarray(deep)))[0, :, 0].tolist() == [0, 0, 1, 7, 255]
    bits = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert decode(encoded(bits))[0, :, 0].tolist() == [0, 255]


def test_a_jpeg_is_its_smooth_source_within_a_few_values():
    y, x = np.mgrid[:64, :96]
    source = np.stack([2 * x, 4 * y, x + y], -1).astype(np.uint8)
    found = decode(encoded(source, "jpeg", quality=95)).astype(int)
    assert np.abs(found - source).max() <= 8 and np.abs(found - source).mean() < 1.5
    small = decode(encoded(source, "jpeg", quality=95), 8)  # decoded at a quarter of its size
    np.testing.assert_allclose(small, lanczos(source, 8), atol=8)


@pytest.mark.parametrize("height, width, size", [(24, 37, 8), (30, 11, 4), (5, 6, 9), (7, 7, 7)])
def test_resized_is_the_middle_square_by_lanczos(height, width, size):
    pixels = drawn(3, height, width) // 4 + 96  # so that what is between two steps needs no bounds
    found = decode(encoded(pixels), size)
    np.testing.assert_allclose(found, lanczos(pixels, size), atol=1.5)


def test_images_of_many_sizes_are_resized(tmp_path):
    contents = {
        f"{name}/{n}.png": encoded(drawn(n, 10 + n, 20 - n)) for n in range(9) for name in "ab"
    }
    images = image_folder.read(write_folder(tmp_path, contents), image_size=8).parts["train"].images
    assert images.shape == (18, 8, 8, 3)


def decoded_again(*arguments, **options):
    """Whether a reading decodes: then it asks for a bar."""
    bars = []

    def bar(*given):
        bars.append(given)
        return image_folder.no_bar(*given)

    return image_folder.read(*arguments, bar=bar, **options), bool(bars)


def test_the_cache_is_found_by_content_size_and_code(tmp_path, monkeypatch):
    path, cache = write_zip(tmp_path / "a.zip", png_files(NAMES)), tmp_path / "cache"
    first, decoded = decoded_again(path, cache=cache)
    assert decoded
    again, decoded = decoded_again(path, cache=cache)
    assert not decoded
    same(again, first)
    path = path.rename(tmp_path / "moved.zip")
    os.utime(path, (1, 1))
    assert not decoded_again(path, cache=cache)[1]
    assert decoded_again(path, cache=cache, image_size=4)[1]
    write_zip(path, png_files([*reversed(NAMES)]))  # the same names, other pixels
    other, decoded = decoded_again(path, cache=cache)
    assert decoded and other.digest != first.digest
    monkeypatch.setattr(image_folder.fingerprint, "code", lambda *functions: "edited")
    assert decoded_again(path, cache=cache)[1]
    assert not [*cache.glob("*.partial")]


def test_a_changed_file_of_a_folder_is_decoded_again(tmp_path):
    folder, cache = write_folder(tmp_path / "data", png_files(NAMES)), tmp_path / "cache"
    assert [decoded_again(folder, cache=cache)[1] for _ in range(2)] == [True, False]
    (folder / NAMES[0]).write_bytes(encoded(drawn(9)))
    os.utime(folder / NAMES[0], (2, 2))
    found, decoded = decoded_again(folder, cache=cache)
    assert decoded
    np.testing.assert_array_equal(found.parts["train"].images[0], drawn(9))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_cache_is_decoded_again(tmp_path, capsys, damage):
    folder, cache = write_folder(tmp_path / "data", png_files(NAMES)), tmp_path / "cache"
    first = image_folder.read(folder, cache=cache)
    (file,) = cache.glob("*.npz")
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    changed = {"cut": content[:-99], "flipped": content, "empty": b"", "other": b"no zip"}
    file.write_bytes(changed[damage])
    found, decoded = decoded_again(folder, cache=cache)
    assert decoded and f"{file} is damaged" in capsys.readouterr().err
    same(found, first)
    assert not decoded_again(folder, cache=cache)[1]


def test_the_bar_is_told_of_every_image(tmp_path):
    done = []

    class Bar:
        def __init__(self, *given):
            assert given == ("decoding images", 4, "image")

        def __enter__(self):
            return done.append

        def __exit__(self, *error):
            pass

    image_folder.read(write_folder(tmp_path, png_files(NAMES)), bar=Bar)
    assert done == [1, 2, 3, 4]


def published():
    return needed(DATA / "cifar10_jpeg" / "cifar10_jpeg.zip")


def test_the_first_images_of_published_jpegs(tmp_path):
    with zipfile.ZipFile(published()) as archive:
        names = [name for name in archive.namelist() if int(pathlib.Path(name).stem) < 20]
        contents = {name: archive.read(name) for name in names}
    found = image_folder.read(write_zip(tmp_path / "few.zip", contents))
    assert list(found.parts) == ["train", "test"] and len(found.classes) == 10
    for images, labels, files in found.parts.values():
        assert images.shape == (200, 32, 32, 3) and (np.bincount(labels) == 20).all()
        assert [found.classes[n] for n in labels] == [name.split("/")[1] for name in files]
        assert 100 < images.mean() < 140  # CIFAR-10's mean is 121
    same(image_folder.read(write_folder(tmp_path / "few", contents)), found)


@pytest.mark.slow
def test_all_published_jpegs(tmp_path):
    found = image_folder.read(published(), cache=tmp_path)
    assert [images.images.shape[0] for images in found.parts.values()] == [50_000, 10_000]
    assert (np.bincount(found.parts["train"].labels) == 5000).all()
    mean = found.parts["train"].images.mean((0, 1, 2))
    np.testing.assert_allclose(mean, [125.3, 123.0, 113.9], atol=1)  # as published everywhere
    same(image_folder.read(published(), cache=tmp_path), found)
