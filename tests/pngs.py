"""PNG files chunk by chunk: what no library would write."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

MAGIC = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def write_png(
    path: Path,
    size: tuple[int, int],
    scanlines: bytes,
    depth: int = 8,
    colours: int = 2,
    interlaced: bool = False,
    extra: bytes = b"",
) -> Path:
    """Writes a PNG of width and height `size` with these scanlines, and further chunks before them."""
    header = struct.pack(">IIBBBBB", *size, depth, colours, 0, 0, int(interlaced))
    data = chunk(b"IDAT", zlib.compress(scanlines))
    path.write_bytes(MAGIC + chunk(b"IHDR", header) + extra + data + chunk(b"IEND", b""))
    return path


def rechecked(data: bytes) -> bytes:
    """A PNG whose chunks have right checksums, as far as their lengths allow; other files as they are."""
    if not data.startswith(MAGIC):
        return data
    parts, at = [MAGIC], len(MAGIC)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        parts.append(chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return b"".join(parts)
