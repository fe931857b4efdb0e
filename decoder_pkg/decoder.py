"""Archives to PNG files; one damaged picture costs that picture alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .codecs import CodingSetting
from .errors import CannotWrite, DecoderError, WrongBundle
from .models import Bundle
from .payload import decode_integers
from .stream import Archive, Entry

PNG_LEVEL = 1
"""zlib level of the PNGs: their size counts nowhere, the time does."""


@dataclass(frozen=True)
class Decoded:
    """One picture of an archive: its pixels [H, W, 3] uint8, or why there are none."""

    name: str
    pixels: NDArray[np.uint8] | None
    error: DecoderError | None = None


def decode_entry(bundle: Bundle, entry: Entry) -> NDArray[np.uint8]:
    """Decodes one picture to [H, W, 3] uint8.

    Raises:
      PayloadError: it is damaged, or names a model or post-filter that the bundle lacks.
    """
    from .pixels.render import assemble

    decoded, header = decode_integers(bundle, entry), entry.header
    filters = decoded.side.filters
    setting = CodingSetting(decoded.side.gain, header.q)
    tiles = bundle.models[header.model].codec.synthesise(decoded.integers, setting, filters.reach)
    return assemble(tiles, header.height, header.width, filters)


def decode_archive(bundle: Bundle, archive: Archive) -> Iterator[Decoded]:
    """Decodes every picture that can be decoded, in the archive's order.

    Raises:
      WrongBundle: it was made for other weights.
    """
    check_bundle(bundle, archive)
    for entry in archive.entries:
        try:
            yield Decoded(entry.name, decode_entry(bundle, entry))
        except DecoderError as error:
            yield Decoded(entry.name, None, error)


def check_bundle(bundle: Bundle, archive: Archive) -> None:
    """Makes sure that a stream was made for this bundle's models and filters.

    Raises:
      WrongBundle: it was made for others.
    """
    lacking = [f"model {number}" for number in sorted(archive.models - bundle.models.keys())]
    lacking += [f"post-filter {number}" for number in sorted(archive.filters - bundle.filters.keys())]
    if lacking:
        raise WrongBundle(f"the stream names {', '.join(lacking)}, which this decoder lacks")
    expected = bundle.id_for(archive.models, archive.filters)
    if archive.bundle_id != expected:
        raise WrongBundle(
            f"the stream was made for bundle {archive.bundle_id.hex()}, this is {expected.hex()}: "
            "decode with the decoder package it was encoded for"
        )


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Writes [H, W, 3] uint8 under a temporary name and renames it; a link stays, and the file it leads to is replaced.

    Raises:
      CannotWrite: the disk is full or does not let itself be written, or there is something else than a file.
    """
    file = Path(os.path.realpath(path))
    if os.path.lexists(file) and not file.is_file():
        raise CannotWrite(f"{path} is a folder, a device or a pipe: give another name")
    partial = file.with_name(f".{os.getpid()}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(partial, format="PNG", compress_level=PNG_LEVEL)
        partial.replace(file)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
