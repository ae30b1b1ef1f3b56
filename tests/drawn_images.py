"""Images that tests draw with NumPy, and folders and zips of them that Pillow writes."""

import io
import zipfile

import numpy as np
from PIL import Image


def drawn(seed, height=6, width=5, channels=3):
    """Pixels [H, W] if channels is 1, else [H, W, channels]."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def encoded(pixels, form="png", **options):
    """The bytes of a file; of pixels, or of an image of Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def write_folder(folder, contents):
    """Files {name: bytes} below a folder; a name that ends in "/" is an empty folder."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(path, contents):
    """A zip of {name: bytes}."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def png_files(names, **options):
    """{name: bytes of a PNG}, the number of the name as its seed."""
    return {name: encoded(drawn(seed, **options)) for seed, name in enumerate(names)}
