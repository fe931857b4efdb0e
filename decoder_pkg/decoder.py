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

from .codecs.hyperprior import DecodedPayload, checksum, decode_payload
from .errors import CannotWrite, CorruptPayload, DecoderError, PayloadChecksum, WrongBundle
from .grids import latent_size
from .models import Bundle
from .pixels.filters import filter_bins, filter_kernel
from .stream import Archive, Entry

PNG_LEVEL = 1
"""zlib level of the PNGs: their size counts nowhere, the time does."""


@dataclass(frozen=True)
class Decoded:
    """One picture of an archive: its pixels [H, W, 3] uint8, or why there are none."""

    name: str
    pixels: NDArray[np.uint8] | None
    error: DecoderError | None = None


def decode_integers(bundle: Bundle, entry: Entry) -> DecodedPayload:
    """Entropy-decodes and checks one picture.

    Raises:
      PayloadError: the payload is damaged, or names a model or filter that the bundle lacks.
    """
    header = entry.header
    if header.model not in bundle.models:
        raise CorruptPayload(f"{entry.name}: names model {header.model}; the bundle has {sorted(bundle.models)}")
    if header.m and not bundle.postfilter:
        raise CorruptPayload(f"{entry.name}: names a post-filter; the bundle has none")
    bins = filter_bins(bundle.postfilter, header.m)
    height, width = latent_size(header.height, header.width)
    model = bundle.models[header.model].entropy
    try:
        decoded = decode_payload(model, entry.payload, height, width, header.gain, header.q, bins)
    except CorruptPayload as error:
        raise CorruptPayload(f"{entry.name}: {error}") from None
    if checksum(entry.payload, decoded.latents) != header.checksum:
        raise PayloadChecksum(f"{entry.name}: the payload is damaged (checksum differs)")
    return decoded


def decode_entry(bundle: Bundle, entry: Entry, bf16: bool = False) -> NDArray[np.uint8]:
    """Decodes one picture to [H, W, 3] uint8.

    Raises:
      PayloadError: as `decode_integers`.
    """
    from .pixels.render import assemble, render_tiles

    decoded, header = decode_integers(bundle, entry), entry.header
    model = bundle.models[header.model]
    kernel = filter_kernel(bundle.postfilter, decoded.coefficients, header.m, header.gain)
    tiles = render_tiles(model.synthesis, model.arch, decoded.latents, header.gain, bf16)
    return assemble(tiles, header.height, header.width, kernel)


def decode_archive(bundle: Bundle, archive: Archive, bf16: bool = False) -> Iterator[Decoded]:
    """Decodes every picture that can be decoded, in the archive's order.

    Raises:
      WrongBundle: it was made for other weights.
    """
    if archive.bundle_id != bundle.id:
        raise WrongBundle(
            f"the stream was made for bundle {archive.bundle_id.hex()}, this is {bundle.id.hex()}: "
            "decode with the decoder package it was encoded for"
        )
    for entry in archive.entries:
        try:
            yield Decoded(entry.name, decode_entry(bundle, entry, bf16))
        except DecoderError as error:
            yield Decoded(entry.name, None, error)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Writes [H, W, 3] uint8 under a temporary name and renames it.

    Raises:
      CannotWrite: the disk is full, or does not let itself be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(partial, format="PNG", compress_level=PNG_LEVEL)
        partial.replace(path)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
