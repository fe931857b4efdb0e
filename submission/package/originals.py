"""The set to submit: any folder of photographs, or the embedded one, as original PNGs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import skimage.data

from decoder_pkg.decoder import write_png
from encoder.pictures import Pixels, load_with_notes
from eval.pictures import pixels_of

ORIGINALS = "originals"
"""Folder of a dist/ for the set as PNGs."""

EMBEDDED = ("astronaut", "chelsea", "coffee", "rocket")
"""Colour photographs that scikit-image carries."""


def stage_originals(photographs: Sequence[Path] | None, folder: Path) -> list[Path]:
    """Writes the set as 8-bit RGB PNGs, converted by the encoder's rule, and returns them by name.

    Args:
      photographs: the files; None takes the embedded set.
      folder: of the run's own, and empty.

    Raises:
      PictureError: a picture cannot be used.
    """
    folder.mkdir(parents=True)
    for name, pixels in _pictures(photographs):
        write_png(folder / f"{name}.png", pixels)
    return sorted(folder.glob("*.png"))


def _pictures(photographs: Sequence[Path] | None) -> Iterator[tuple[str, Pixels]]:
    """Names and samples, one picture at a time: a set may be larger than the memory."""
    if photographs is None:
        yield from ((name, getattr(skimage.data, name)()) for name in EMBEDDED)
        return
    yield from ((path.stem, load_with_notes(path)) for path in photographs)


def set_pixels(folder: Path) -> int:
    """Pixels of all original PNGs of a folder, from their headers.

    Raises:
      PictureError: one is no picture.
    """
    return pixels_of(path for path in folder.glob("*.png") if not path.name.startswith("."))
