"""Picture files as Pillow reads them: whatever it raises becomes one named error, and half a picture is none."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from ..storage import open_plain
from . import jpeg, png

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".tif", ".tiff", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP")
"""What a file may hold, whatever its name says: for some of the others Pillow starts programs."""

JPEG_FORMATS = ("JPEG", "MPO", "TIFF")
"""Pillow's names of files that may hold JPEG data: MPO is a JPEG file behind which further pictures lie."""

warnings.filterwarnings("ignore", module="PIL")  # about metadata, which nothing here reads, and without the file's name


class PictureError(Exception):
    """A picture file cannot be read or cannot be coded."""


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Opens a picture; its samples are read by `load`.

    Raises:
      PictureError: here or within, Pillow raises anything.
    """
    try:
        with open_plain(path) as file, Image.open(file, formats=FORMATS) as image:
            yield image
    except PictureError:
        raise
    except Exception as error:  # Pillow raises nearly every class there is for a damaged file
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PictureError(f"{path} cannot be read as a picture: {reason}") from None


def load(path: Path, image: Image.Image) -> None:
    """Reads the samples of an open picture.

    Raises:
      PictureError: the file ends before them.
    """
    image.load()
    if image.format == "PNG" and not png.is_whole(path):
        raise PictureError(f"{path} is damaged: it has fewer rows than its header says")
    if image.format in JPEG_FORMATS and not jpeg.is_whole(path, image):
        raise PictureError(f"{path} is damaged: a part of its coded data is missing")


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height as the header of a file says.

    Raises:
      PictureError: the file is no picture.
    """
    with opened(path) as image:
        return image.size


def pixels_of(files: Iterable[Path]) -> int:
    """Pixels of some pictures together, from their headers.

    Raises:
      PictureError: one is no picture.
    """
    return sum(math.prod(picture_size(file)) for file in files)
