"""Picture files to RGB: what is converted, what is told, and what is refused."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor
from tqdm import tqdm

from decoder_pkg.errors import InvalidHeader
from decoder_pkg.grids import LATENT_STRIDE, latent_size
from decoder_pkg.stream import MAX_IMAGES, MAX_PIXELS, MAX_SET_PIXELS, MAX_SIDE, check_names
from eval.pictures import SUFFIXES, PictureError, load, opened, orientation, picture_size, png_header
from eval.problems import printable

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the value of the orientation tag (EXIF 2.32, section 4.6.4)."""

PROFILE = "its colour profile is not applied: the samples are taken as they are"
DARK = "its 16-bit samples are all below 256 and their upper bytes are taken: it becomes black"
NOT_TURNED = "its orientation cannot be read: it is not turned"
SHOWN = 10
"""Files that one note names."""

Pixels = NDArray[np.uint8]
NOTES = logging.getLogger(__name__)


class _BesideBars(logging.Handler):
    """Prints notes on lines of their own, not into a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(printable(record.getMessage()), file=sys.stderr)


NOTES.addHandler(_BesideBars())


@dataclass(frozen=True)
class Picture:
    """A picture's samples [H, W, 3] uint8, and what was left out of its file without refusing it."""

    pixels: Pixels
    notes: tuple[str, ...]


def find_pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, by name; a note tells what else there is.

    Raises:
      PictureError: it is no folder, has none, two would yield the same output name, or a stream cannot hold a name.
    """
    try:
        content = sorted(folder.iterdir())
    except OSError as error:
        raise PictureError(f"{folder} cannot be read as a folder: {error.strerror or error}") from None
    files = [p for p in content if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()]
    if others := sorted(path.name for path in set(content).difference(files)):
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        NOTES.warning("note: %s: passed over: %s%s", folder, ", ".join(others[:SHOWN]), more)
    if not files:
        raise PictureError(f"{folder} holds no pictures: files that end in {', '.join(SUFFIXES)}, not in subfolders")
    _check_stems(files)
    return files


def _check_stems(files: Sequence[Path]) -> None:
    by_stem: dict[str, Path] = {}
    for file in files:
        try:
            check_names([file.stem])
        except InvalidHeader as error:
            raise PictureError(f"{file} must be renamed: {error}") from None
        other = by_stem.setdefault(file.stem.casefold(), file)
        if other != file:
            raise PictureError(f"{other.name} and {file.name} would both become {file.stem}.png: rename one")


def find_set(folder: Path) -> list[Path]:
    """The pictures of a folder, see `find_pictures`, if one stream can hold them, see `check_set`.

    Raises:
      PictureError: as these two.
    """
    files = find_pictures(folder)
    check_set(files)
    return files


def check_set(files: Sequence[Path]) -> None:
    """Refuses a set that one stream cannot hold, by the headers of its files.

    Raises:
      PictureError: there are too many pictures or pixels, or a file is no picture.
    """
    if len(files) > MAX_IMAGES:
        raise PictureError(f"{files[0].parent} holds {len(files)} pictures; a stream holds at most {MAX_IMAGES}")
    pixels = sum(width * height for width, height in map(picture_size, files))
    if pixels > MAX_SET_PIXELS:
        raise PictureError(f"{files[0].parent} holds {pixels} pixels; a stream holds at most {MAX_SET_PIXELS}")


def load_picture(path: Path) -> Pixels:
    """Reads a picture as [H, W, 3] uint8, see `read_picture`, without its notes.

    Raises:
      PictureError: as `read_picture`.
    """
    return read_picture(path).pixels


def load_with_notes(path: Path) -> Pixels:
    """Reads a picture as [H, W, 3] uint8 and logs its notes, for whoever reads it first.

    Raises:
      PictureError: as `read_picture`.
    """
    picture = read_picture(path)
    for note in picture.notes:
        NOTES.warning("note: %s: %s", path, note)
    return picture.pixels


def read_picture(path: Path) -> Picture:
    """Reads a picture and converts it to RGB.

    Grey and palette pictures become RGB; 16-bit samples keep their upper byte; an alpha channel is dropped where it
    is opaque everywhere; the orientation is applied; CMYK and others go through Pillow's conversion to RGB. Of a file
    that holds several pictures the first is taken. Colour profiles and all other metadata are ignored.

    Raises:
      PictureError: the file is no picture, is damaged, is transparent somewhere or is too large.
    """
    with opened(path) as image:
        _check_size(path, *image.size)
        load(path, image)
        notes = [PROFILE] if image.info.get("icc_profile") else []
        if (count := getattr(image, "n_frames", 1)) > 1:
            notes.append(f"it holds {count} pictures: the first is taken")
        turned = _orientation(image)
        if turned is None:
            notes.append(NOT_TURNED)
        rgb = _to_rgb(path, image)
        pixels = np.array(rgb.transpose(TURNS[turned]) if turned in TURNS else rgb)
        if _depth(path, image) == 16 and not pixels.any():
            notes.append(DARK)
    return Picture(pixels, tuple(notes))


def _check_size(path: Path, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise PictureError(f"{path} is {width}x{height}: {MAX_SIDE} a side and {MAX_PIXELS} pixels are the limit")


def _orientation(image: Image.Image) -> int | None:
    """The orientation tag of EXIF, or of XMP in its place; None where it cannot be read."""
    exif = image.info.get("exif")
    if isinstance(exif, bytes) and (found := orientation(exif)) is not None:
        return found
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever Pillow makes of damaged EXIF: the picture itself is whole
        return None
    return value if type(value) is int else None


def _depth(path: Path, image: Image.Image) -> int:
    """Bits of a sample."""
    if image.mode.startswith("I"):
        return 16
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2.get(ExifTags.Base.BitsPerSample, (1,))[0])
    return png_header(path).depth if image.format == "PNG" else 8


def _to_rgb(path: Path, image: Image.Image) -> Image.Image:
    if _is_transparent(path, image):
        raise PictureError(f"{path} is transparent: flatten it onto a background first")
    if image.mode.startswith("I") or image.mode == "F":
        samples = np.asarray(image)
        if image.mode == "F" or samples.min() < 0 or samples.max() > 65535:
            raise PictureError(f"{path} has samples of mode {image.mode} outside 16 bits: convert it to 8-bit RGB")
        if isinstance(image, TiffImageFile) and image.tag_v2.get(ExifTags.Base.PhotometricInterpretation) == 0:
            raise PictureError(f"{path} has 16-bit samples that are 0 for white: convert it to 8-bit RGB")
        image = Image.fromarray((samples >> 8).astype(np.uint8))
    return image.convert("RGB")


def _is_transparent(path: Path, image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    depth = _depth(path, image)
    if depth == 8 or image.mode not in ("L", "RGB", "I;16"):
        return bool(np.asarray(image.convert("RGBA"))[:, :, 3].min() < 255)
    # Pillow gives the transparent colour in the file's bits, and samples in 8, but those of 16-bit grey.
    colours = np.atleast_1d(image.info["transparency"])
    if image.mode == "RGB":
        colours = colours >> 8
    elif image.mode == "L":
        colours = colours * (255 // (2**depth - 1))
    samples = np.asarray(image).reshape(image.height, image.width, -1)
    return bool((samples == colours).all(axis=2).any())


def pixels_digest(pixels: Pixels) -> str:
    """sha256 over size and samples: the picture's identity, whatever file it came from."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def padded_tensor(pixels: Pixels) -> Tensor:
    """[H, W, 3] uint8 to [1, 3, 16h, 16w] float in [0, 1], the edge repeated to multiples of 16."""
    height, width = latent_size(*pixels.shape[:2])
    bottom, right = height * LATENT_STRIDE - pixels.shape[0], width * LATENT_STRIDE - pixels.shape[1]
    padded = np.pad(pixels, ((0, bottom), (0, right), (0, 0)), mode="edge")
    return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255
