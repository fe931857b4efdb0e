"""The part of a JPEG file that Pillow does not look at: whether all its coded data is there.

The library behind Pillow takes what a marker cuts off for grey, and only warns. Bytes between the last code of a scan
and the next marker, on the other hand, it passes over: there random ones change nothing in a whole picture, and show in
one whose codes end early.
"""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

FRAMES = (0xC0, 0xC1, 0xC2)
"""Frames of Huffman codes (ITU-T T.81, table B.1); an arithmetic coder may leave out zeros at the end of its data."""

BEGIN, SCAN, END = b"\xff\xd8", 0xDA, 0xD9
RESTARTS = range(0xD0, 0xD8)
ALONE = (0x01, *range(0xD0, 0xD9))
"""Markers without a segment: among codes they begin no other part of the file."""

TABLES, STRIPS_AND_TILES = 347, ((273, 279), (324, 325))
"""Tags of a TIFF file: of its JPEG tables, and of the places and sizes of its parts."""

MARKER = re.compile(rb"\xff+([^\x00\xff])")
FILLING = bytes(random.Random(0).choices(range(1, 255), k=64))
"""No byte of a marker, and none of the zeros that the library puts in the place of missing codes."""

FURTHER = [bytes((0xFF, restart)) + FILLING for restart in RESTARTS]
"""An interval after each restart marker, for a scan that ends early where one should be."""


@dataclass(frozen=True)
class Marker:
    """A marker: its kind, where it begins, its segment, and whether codes lie before it."""

    kind: int
    start: int
    segment: bytes
    ends_codes: bool


def is_whole(path: Path, image: Image.Image) -> bool:
    """Whether the codes of all components are there, in a JPEG file or in a TIFF file compressed so.

    A progressive picture may leave out further scans: the standard does not ask for any (ITU-T T.81, section G.1.1).

    Args:
      path: the file.
      image: as it was read from it.

    Raises:
      OSError: it cannot be read, or a part of a TIFF file ends too early.
    """
    data = path.read_bytes()
    return all(map(_has_all_codes, _tiff_parts(data, image) if isinstance(image, TiffImageFile) else [data]))


def _tiff_parts(data: bytes, image: TiffImageFile) -> Iterator[bytes]:
    """The strips or tiles, each with the tables that all share (TIFF technical note 2)."""
    if image.info.get("compression") == "jpeg":
        tags = image.tag_v2
        for offsets, sizes in STRIPS_AND_TILES:
            for start, size in zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=True):
                yield tags.get(TABLES, b"")[:-2] + data[start : start + size].removeprefix(BEGIN)


def _has_all_codes(data: bytes) -> bool:
    markers = list(_markers(data))
    frame = next((marker.segment for marker in markers if marker.kind in FRAMES), b"")
    if not frame:
        return True
    if not _components(frame[5:], 3) <= {name for m in markers if m.kind == SCAN for name in _components(m.segment, 2)}:
        return False
    return _samples(data) == _samples(_filled(data, markers))


def _samples(data: bytes) -> bytes:
    with JpegImageFile(io.BytesIO(data)) as image:
        return image.tobytes()


def _markers(data: bytes) -> Iterator[Marker]:
    """The markers up to the first end."""
    position, in_scan = 0, False
    while found := MARKER.search(data, position):
        kind, position = found[1][0], found.end()
        size = 0 if kind in ALONE or kind == END else int.from_bytes(data[position : position + 2], "big")
        yield Marker(kind, found.start(), data[position + 2 : position + size], in_scan)
        if kind == END:
            return
        in_scan = kind == SCAN or (in_scan and kind in ALONE)
        position += size


def _components(rows: bytes, size: int) -> set[int]:
    """Numbers of the components that a frame or scan names: a count, then a row of bytes for each."""
    return set(rows[1 : 1 + size * rows[0] : size]) if rows else set()


def _filled(data: bytes, markers: list[Marker]) -> bytes:
    """The file with further bytes before each marker that ends codes."""
    parts, position, due = [], 0, 0
    for marker in (marker for marker in markers if marker.ends_codes):
        parts += [data[position : marker.start], FILLING]
        if marker.kind in RESTARTS:
            due = (marker.kind + 1) % len(FURTHER)
        else:
            parts += FURTHER[due:] + FURTHER[:due]
            due = 0
        position = marker.start
    return b"".join([*parts, data[position:]])
