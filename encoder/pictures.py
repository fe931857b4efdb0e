"""Picture files to RGB: what is converted, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from decoder_pkg.archive import MAX_PIXELS, MAX_SIDE, check_names
from decoder_pkg.errors import InvalidHeader
from eval.score import UNREADABLE

SUFFIXES = (".png", ".jpg", ".jpeg")
Pixels = NDArray[np.uint8]


class PictureError(Exception):
    """A picture file cannot be read or cannot be coded."""


def find_pictures(folder: Path) -> list[Path]:
    """PNG and JPEG files of a folder, by name.

    Raises:
      PictureError: it is no folder, has none, two would yield the same output name, or a stream cannot hold a name.
    """
    try:
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise PictureError(f"{folder} cannot be read as a folder: {error.strerror or error}") from None
    if not files:
        raise PictureError(f"{folder} holds no PNG or JPEG pictures")
    for file in files:
        try:
            check_names([file.stem])
        except InvalidHeader as error:
            raise PictureError(f"{file} must be renamed: {error}") from None
    by_stem: dict[str, Path] = {}
    for file in files:
        other = by_stem.setdefault(file.stem.casefold(), file)
        if other != file:
            raise PictureError(f"{other.name} and {file.name} would both become {file.stem}.png: rename one")
    return files


def load_picture(path: Path) -> Pixels:
    """Reads a picture as [H, W, 3] uint8.

    Grey and palette pictures become RGB; 16-bit samples keep their upper byte; an alpha channel is dropped where it
    is opaque everywhere; EXIF orientation is applied; CMYK and others go through Pillow's conversion to RGB.

    Raises:
      PictureError: the file is no picture, is damaged, is transparent somewhere or is too large.
    """
    if path.exists() and not path.is_file():  # a pipe would never end
        raise PictureError(f"{path} is no file")
    try:
        with Image.open(path) as image:
            _check_size(path, *image.size)
            pixels = np.asarray(_to_rgb(path, ImageOps.exif_transpose(image)))
    except UNREADABLE as error:
        raise PictureError(f"{path} cannot be read as a picture: {error}") from None
    return np.ascontiguousarray(pixels)


def _check_size(path: Path, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise PictureError(f"{path} is {width}x{height}: {MAX_SIDE} a side and {MAX_PIXELS} pixels are the limit")


def _to_rgb(path: Path, image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        samples = np.asarray(image)
        if image.mode == "F" or samples.min() < 0 or samples.max() > 65535:
            raise PictureError(f"{path} has samples of mode {image.mode} outside 16 bits: convert it to 8-bit RGB")
        image = Image.fromarray((samples >> 8).astype(np.uint8))
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[:, :, 3].min() < 255:
        raise PictureError(f"{path} is transparent: flatten it onto a background first")
    return image.convert("RGB")


def pixels_digest(pixels: Pixels) -> str:
    """sha256 over size and samples: the picture's identity, whatever file it came from."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
