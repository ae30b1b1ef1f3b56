"""One image file's bytes -> its pixels, whatever its format.

A copy of this file goes with an exported student: it imports NumPy and Pillow, nothing else.
"""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = (
    "PNG",
    "JPEG",
    "BMP",
    "GIF",
    "TIFF",
    "WEBP",
    "PPM",
)  # not PostScript, which starts a program

Image.init()  # now: threads that find a format missing would all look for it at once


def decode(content: bytes, image_size: int | None = None) -> np.ndarray:
    """The pixels [H, W, C] of an image, uint8: C is 1 if all of them are gray, else 3.

    It is turned upright as its EXIF data say; what is transparent shows a white background, as the
    colors beneath are arbitrary; 16 bits are rounded to 8; palettes, CMYK and others become RGB
    (color profiles are not applied). Of an animation it is the first frame.

    Args:
        content: of the file.
        image_size: N for N × N pixels: the shorter side is resized to N with Pillow's antialiased
            Lanczos filter, then the middle of the longer kept; None for the image's own size.

    Raises:
        Exception: of any kind, by the format and its damage.
    """
    with _opened(content) as image:
        if image_size:
            # large JPEGs are decoded at a half, quarter or eighth of their size, several times as
            # fast, but at least at twice the size that the filter below gives
            image.draft(None, (2 * image_size, 2 * image_size))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        plain = _plain(image)
    if image_size and plain.size != (image_size, image_size):
        plain = _square(plain, image_size)
    pixels = np.asarray(plain)
    if pixels.ndim == 2:
        return pixels[:, :, None]
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    gray = np.array_equal(red, green) and np.array_equal(green, blue)
    return pixels[:, :, :1] if gray else pixels


def _opened(content):
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:  # its text names a place in memory
        found = f"{len(content):,} bytes that are no image" if content else "it is empty"
        raise ValueError(f"{found}: expected one of {', '.join(FORMATS)}") from None


def _plain(image):
    """The image as one of mode L or RGB."""
    if image.mode[0] in "IF":
        return _of_16_bits(image)
    if {"A", "a"} & {*image.getbands()} or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _of_16_bits(image):
    """Gray of 16 bits, which Pillow gives 16 or 32, as the nearest of 8: 65,535 is 255."""
    pixels = np.asarray(image)
    if pixels.dtype.kind == "f" or pixels.min() < 0 or pixels.max() > 65_535:
        raise ValueError("its pixels have more than 16 bits: expected 8 or 16")
    return Image.fromarray(((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8))


def _square(image, size):
    """An image resized, of which only the middle square is computed."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box)
