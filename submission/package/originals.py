"""The set to submit: any folder of photographs, or the embedded one, as original PNGs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import skimage.data

from decoder_pkg.decoder import write_png
from encoder.pictures import Pixels, check_set, find_pictures, load_with_notes
from eval.pictures import pixels_of

ORIGINALS = "originals"
"""Folder of a dist/ for the set as PNGs."""

EMBEDDED = ("astronaut", "chelsea", "coffee", "rocket")
"""Colour photographs that scikit-image carries."""


def stage_originals(images: Path | None, folder: Path) -> list[Path]:
    """Writes the set as 8-bit RGB PNGs, converted by the encoder's rule, and returns them by name.

    Args:
      images: a folder of photographs; None takes the embedded set.
      folder: of the run's own, and empty.

    Raises:
      PictureError: a picture cannot be used.
    """
    folder.mkdir(parents=True)
    for name, pixels in _pictures(images):
        write_png(folder / f"{name}.png", pixels)
    return sorted(folder.glob("*.png"))


def _pictures(images: Path | None) -> Iterator[tuple[str, Pixels]]:
    """Names and samples, one picture at a time: a set may be larger than the memory."""
    if images is None:
        yield from ((name, getattr(skimage.data, name)()) for name in EMBEDDED)
        return
    files = find_pictures(images)
    check_set(files)
    yield from ((path.stem, load_with_notes(path)) for path in files)


def set_pixels(folder: Path) -> int:
    """Pixels of all original PNGs of a folder, from their headers.

    Raises:
      PictureError: one is no picture.
    """
    return pixels_of(path for path in folder.glob("*.png") if not path.name.startswith("."))
