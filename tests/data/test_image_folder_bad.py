"""Faults of image folders and zips are refused in one line that says what to do."""

import io
import os
import re
import sys
import zipfile

import fuzzing
import numpy as np
import pytest
from drawn_images import drawn, encoded, png_files, write_folder, write_zip
from PIL import Image

from kd_jax.data import decoded_images, image_files, image_folder
from kd_jax.errors import InputError

GOOD = png_files(["a/1.png", "a/2.png", "b/1.png"])


def refused(match, path, **options):
    with pytest.raises(InputError, match=match) as error:
        image_folder.read(path, **options)
    text = str(error.value)
    assert "\n" not in text and str(path) in text and len(text) < 600
    return text


def test_no_folder_and_no_zip(tmp_path):
    refused("does not exist: expected a folder or a .zip", tmp_path / "absent")
    (tmp_path / "a.zip").write_bytes(b"something else")
    refused("is no zip file: expected", tmp_path / "a.zip")
    (tmp_path / "b.zip").write_bytes(b"")
    refused("is no zip file: expected", tmp_path / "b.zip")


def test_a_truncated_and_an_encrypted_zip(tmp_path):
    path = write_zip(tmp_path / "a.zip", GOOD)
    content = path.read_bytes()
    path.write_bytes(content[:-60])
    refused("truncated zip .*fetch or make it again", path)
    encrypted = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the bit that says so
        for found in re.finditer(re.escape(mark), content):
            encrypted[found.start() + place] |= 1
    path.write_bytes(encrypted)
    refused("is encrypted .*without a password", path)


@pytest.mark.parametrize(
    "contents, match",
    [
        ({"a/": b"", "b/readme.txt": b""}, "holds no images: expected class folders .*png"),
        ({}, "holds no images"),
        ({**GOOD, "x.png": b""}, "the image x.png lies in no class folder: expected .* cat/"),
        ({"train/x.png": b"", "test/x.png": b""}, "the image train/x.png lies in no class folder"),
        ({**GOOD, "c/": b""}, "the class folder c holds no images: put some there or delete"),
        ({**GOOD, "c/d/notes.txt": b""}, "the class folder c holds no images"),
        (png_files(["a/1.png", "a/2.png"]), "has one class only, a: expected .* two"),
        (png_files(["train/a/1.png", "test/a/1.png"]), "has one class only, a"),
        (png_files(["test/a/1.png", "val/b/1.png"]), "has test/, val/ and no train/"),
        (
            png_files(["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/c/1.png"]),
            "the class test/c is not in train/: expected only classes to train on",
        ),
        (
            png_files(["train/a/1.png", "train/b/1.png", "val/a/1.png", "valid/a/1.png"]),
            "val/ and valid/ are both validation: expected one",
        ),
        (
            png_files(["train/a/1.png", "train/b/1.png", "extra/a/1.png"]),
            "train/ and extra/ lie side by side: expected parts only .* or classes only",
        ),
        ({**png_files(["train/a/1.png", "train/b/1.png"]), "test/": b""}, "test/ holds no class"),
    ],
)
@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_folders_that_are_no_classes(tmp_path, contents, match, write):
    refused(match, write(tmp_path / "given", contents))


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a/../../x.png", "..\\x.png"])
def test_members_of_a_zip_that_would_lie_outside(tmp_path, name):
    path = write_zip(tmp_path / "a.zip", {**GOOD, name: b""})
    refused("would lie outside: make the zip again", path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twice", ["a/1.png", "./a//1.png"])
def test_members_of_the_same_name(tmp_path, twice):
    path = write_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(twice, b"other")
    refused("holds a/1.png twice", path)


@pytest.mark.parametrize("kind", ["noise", "cut", "empty", "text", "jpeg"])
@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_an_unreadable_image_is_named_with_its_number_or_skipped(tmp_path, capsys, kind, write):
    whole = GOOD["a/2.png"]
    smooth = np.linspace(0, 255, 64 * 64, dtype=np.uint8).reshape(64, 64)
    content = {
        "noise": whole[:40] + bytes(9) + whole[49:],
        "cut": whole[:-40],
        "empty": b"",
        "text": b"<html>not found</html>",
        "jpeg": encoded(smooth, "jpeg")[:-100],
    }[kind]
    path = write(tmp_path / "given", GOOD | {"a/2.png": content})
    text = refused(r"image 2 of 3, a/2.png, is unreadable \(.+\): ", path)
    assert "--skip_unreadable" in text and "0x" not in text  # a place in memory tells nobody
    found = image_folder.read(path, skip_unreadable=True, cache=tmp_path / "cache")
    assert found.parts["train"].files.tolist() == ["a/1.png", "b/1.png"]
    np.testing.assert_array_equal(found.parts["train"].images, [drawn(0), drawn(2)])
    assert "skipped 1 of 3 images, unreadable: a/2.png" in capsys.readouterr().err
    refused("image 2 of 3", path, cache=tmp_path / "cache")  # the cache is for who skips
    image_folder.read(path, skip_unreadable=True, cache=tmp_path / "cache")
    assert "skipped 1 of 3" in capsys.readouterr().err


def test_nothing_readable_is_left(tmp_path):
    bad = dict.fromkeys(["train/a/1.png", "train/b/1.png", "test/a/1.png"], b"")
    path = write_folder(tmp_path / "one", bad)
    refused("no image is readable", path, skip_unreadable=True)
    write_folder(path, png_files(["train/a/1.png", "test/a/1.png"]))
    refused("no image of the class b in train is readable", path, skip_unreadable=True)
    write_folder(path, {**png_files(["train/b/1.png"]), "test/a/1.png": b""})
    refused("no image of test is readable", path, skip_unreadable=True)


def test_a_changed_byte_in_a_zip_is_noticed(tmp_path):
    path = write_zip(tmp_path / "a.zip", GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(GOOD["a/2.png"]) + 50] ^= 1
    path.write_bytes(content)
    refused("image 2 of 3, a/2.png, is unreadable .*CRC", path)


def test_a_file_that_claims_too_many_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "MAX_BYTES", 500)
    contents = GOOD | {"b/1.png": bytes(501)}
    for path in (write_zip(tmp_path / "a.zip", contents), write_folder(tmp_path / "f", contents)):
        refused("image 3 of 3, b/1.png, is unreadable .*more than 500 bytes", path)


def test_several_sizes_name_the_first_two(tmp_path):
    contents = {**GOOD, "b/2.png": encoded(drawn(0, 4, 7)), "b/3.png": encoded(drawn(0, 9, 9))}
    text = refused("several sizes", write_folder(tmp_path, contents))
    assert "5 × 6 (a/1.png) and 7 × 4 (b/2.png)" in text and "--image_size=N" in text


@pytest.mark.parametrize("size", [0, -3, 4097])
def test_an_image_size_that_is_none(tmp_path, size):
    with pytest.raises(InputError, match=f"--image_size={size}: expected at least 1 and"):
        image_folder.read(write_folder(tmp_path, GOOD), image_size=size)


def test_images_that_do_not_fit_in_memory(tmp_path):
    stack = decoded_images._Stack(tmp_path, 10**13)
    with pytest.raises(InputError, match="images of 5 × 6 need 838,190 GiB .*smaller --image_size"):
        stack.add("a/1.png", drawn(0))


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = write_folder(tmp_path / "data", GOOD)
    with pytest.raises(InputError, match="file/images-.* cannot be written .*another folder"):
        image_folder.read(path, cache=tmp_path / "file")


def test_a_link_that_leads_nowhere_is_unreadable(tmp_path):
    write_folder(tmp_path, GOOD)
    (tmp_path / "b" / "2.png").symlink_to(tmp_path / "gone")
    refused("image 4 of 4, b/2.png, is unreadable .*No such file", tmp_path)


def test_a_pipe_is_unreadable_and_not_waited_for(tmp_path):
    write_folder(tmp_path, GOOD)
    os.mkfifo(tmp_path / "b" / "2.png")
    refused("image 4 of 4, b/2.png, is unreadable .it is no file", tmp_path)


def test_no_pillow(tmp_path, monkeypatch):
    for name in ("decoded_images", "image_decoding"):
        monkeypatch.delitem(sys.modules, f"kd_jax.data.{name}", raising=False)
        monkeypatch.delattr(f"kd_jax.data.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InputError, match=r'PIL is not installed: pip install "kd_jax\[data\]"'):
        image_folder.read(write_folder(tmp_path, GOOD))


def test_float_pixels_are_refused(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(np.ones((6, 5), np.float32)).save(buffer, "tiff")
    path = write_folder(tmp_path, GOOD | {"b/2.tif": buffer.getvalue()})
    refused("b/2.tif, is unreadable .its pixels have more than 16 bits: expected 8 or 16", path)


@fuzzing.many
@fuzzing.hypothesis.given(data=fuzzing.st.data())
def test_damaged_zips_are_read_or_refused(tmp_path_factory, data):
    path = write_zip(tmp_path_factory.mktemp("zip") / "a.zip", GOOD)
    path.write_bytes(data.draw(fuzzing.damaged(path.read_bytes())))
    fuzzing.read_or_refused(image_folder.read, path)


@fuzzing.many
@fuzzing.hypothesis.given(data=fuzzing.st.data())
def test_damaged_images_are_read_or_refused(tmp_path_factory, data):
    form = data.draw(fuzzing.st.sampled_from(["png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm"]))
    content = data.draw(fuzzing.damaged(encoded(drawn(0), form)))
    folder = write_folder(tmp_path_factory.mktemp("folder"), GOOD | {"b/2.png": content})
    fuzzing.read_or_refused(image_folder.read, folder)
