"""The orientation in EXIF data, whatever else is wrong with them."""

from __future__ import annotations

import struct

ORIENTATION, SHORT = 0x112, 3
"""Tag and type of the orientation (EXIF 2.32, section 4.6.4)."""

ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
"""Byte orders, by how the data begin."""


def orientation(exif: bytes) -> int | None:
    """The orientation tag; None where the first directory has none. Other tags are passed over, unread."""
    data = exif.removeprefix(b"Exif\0\0")
    order = ORDERS.get(data[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}L", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for number in range(count):
            tag, kind, values, value = struct.unpack_from(f"{order}HHLH", data, start + 2 + 12 * number)
            if (tag, kind, values) == (ORIENTATION, SHORT, 1):
                return int(value)
    except struct.error:  # it ends before
        return None
    return None
