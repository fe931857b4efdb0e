"""The AVIF file around AV1 data, byte by byte as libavif writes it (AVIF 1.1; ISO/IEC 14496-12, 23008-12)."""

from __future__ import annotations

from .headers import Colour, SequenceHeader

TEMPORAL_DELIMITER = b"\x12\x00"
"""The OBU that begins the AV1 data of a file; it says nothing and is not stored."""

BRANDS = (b"MA1B", b"MA1A")
"""Of a profile."""

ITEM = (1).to_bytes(2, "big")
"""Number of the picture among a file's items."""

PROPERTIES = b"\x01\x02\x83\x04"
"""Numbers of the picture's properties; the third must be understood."""


def avif_file(header: SequenceHeader, data: bytes) -> bytes:
    """The file that holds AV1 data.

    Args:
      header: that the data begins with.
      data: its OBUs, without a temporal delimiter.
    """
    brand = BRANDS[header.profile]
    head = _box(b"ftyp", b"avif" + bytes(4) + b"avif" + b"mif1" + b"miaf" + brand)
    data = TEMPORAL_DELIMITER + data
    start = len(head + _meta(header, 0, len(data))) + 8
    return head + _meta(header, start, len(data)) + _box(b"mdat", data)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return _number(8 + len(content), 4) + kind + content


def _full_box(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return _box(kind, bytes([version]) + bytes(3), *parts)


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def _meta(header: SequenceHeader, start: int, length: int) -> bytes:
    """The box that describes the picture and says where in the file its data lies."""
    entry = _full_box(b"infe", ITEM, bytes(2), b"av01", b"Color\0", version=2)
    extent = _number(start, 4) + _number(length, 4)
    return _full_box(
        b"meta",
        _full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
        _full_box(b"pitm", ITEM),
        _full_box(b"iloc", b"\x44\x00", _number(1, 2), ITEM, bytes(2), _number(1, 2), extent),
        _full_box(b"iinf", _number(1, 2), entry),
        _box(b"iprp", _properties(header), _full_box(b"ipma", _number(1, 4), ITEM, b"\x04", PROPERTIES)),
    )


def _properties(header: SequenceHeader) -> bytes:
    return _box(
        b"ipco",
        _full_box(b"ispe", _number(header.width, 4), _number(header.height, 4)),
        _full_box(b"pixi", b"\x03\x08\x08\x08"),
        _box(b"av1C", _configuration(header)),
        _box(b"colr", b"nclx", _colours(header.colour)),
    )


def _configuration(header: SequenceHeader) -> bytes:
    """The codec configuration record (AV1 in ISOBMFF, section 2.3.3): marker and version, profile, level, chroma."""
    chroma = (0b1100 if header.colour.halved else 0) | header.colour.chroma_position
    return bytes([0x81, header.profile << 5 | header.level, chroma, 0])


def _colours(colour: Colour) -> bytes:
    codes = (colour.primaries, colour.transfer, colour.matrix)
    return b"".join(_number(code, 2) for code in codes) + bytes([colour.full_range << 7])
