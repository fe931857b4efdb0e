"""The part of a PNG file that Pillow does not look at: whether all its rows are there."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by colour type (PNG specification, section 11.2.1)."""

ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column and steps of each pass of an interlaced picture (section 8.1)."""

WHOLE = ((0, 0, 1, 1),)
PART_BYTES = 2**20


@dataclass(frozen=True)
class PngHeader:
    """The first chunk, IHDR: pixels, bits of a sample, colour type and whether rows are interlaced."""

    width: int
    height: int
    depth: int
    colours: int
    interlaced: bool

    @property
    def scanline_bytes(self) -> int:
        """Bytes of all scanlines before compression, each with its filter type."""
        total = 0
        for row, column, down, across in ADAM7 if self.interlaced else WHOLE:
            rows, columns = -(-(self.height - row) // down), -(-(self.width - column) // across)
            if rows > 0 and columns > 0:
                total += rows * (1 + -(-columns * CHANNELS[self.colours] * self.depth // 8))
        return total


def png_header(path: Path) -> PngHeader:
    """Reads the first chunk.

    Raises:
      ValueError: the file is no PNG.
      OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(len(MAGIC) + 21)
    if len(head) < len(MAGIC) + 21 or not head.startswith(MAGIC) or head[12:16] != b"IHDR" or head[25] not in CHANNELS:
        raise ValueError("it is no PNG file")
    width, height, depth, colours, _, _, interlace = struct.unpack(">IIBBBBB", head[16:])
    return PngHeader(width, height, depth, colours, interlace == 1)


def is_whole(path: Path) -> bool:
    """Whether the compressed data holds every scanline: Pillow leaves the others black.

    Raises:
      ValueError: the file is no PNG.
      OSError: it cannot be read.
      zlib.error: the compressed data is damaged.
    """
    expected, found, unpacker = png_header(path).scanline_bytes, 0, zlib.decompressobj()
    for part in _image_data(path):
        while part and found <= expected and not unpacker.eof:
            found += len(unpacker.decompress(part, PART_BYTES))
            part = unpacker.unconsumed_tail
    return found > expected or (found == expected and unpacker.eof)


def _image_data(path: Path) -> Iterator[bytes]:
    """The IDAT chunks in order, in parts."""
    with path.open("rb") as file:
        file.seek(len(MAGIC))
        while len(head := file.read(8)) == 8:
            size, name = int.from_bytes(head[:4], "big"), head[4:]
            if name == b"IDAT":
                end = file.tell() + size
                while part := file.read(min(PART_BYTES, end - file.tell())):
                    yield part
                size = 0
            file.seek(size + 4, os.SEEK_CUR)
