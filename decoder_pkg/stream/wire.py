"""Bytes to numbers and back: little-endian integers, LEB128 varints, checked lengths."""

from __future__ import annotations

from ..errors import InvalidHeader, TruncatedArchive

MAX_VARINT_BYTES = 5


class Reader:
    """Reads from the front of a byte string and never past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
          TruncatedArchive: fewer than `count` are left.
        """
        if count > len(self._data) - self.position:
            left = len(self._data) - self.position
            raise TruncatedArchive(f"{count} bytes expected at byte {self.position}, {left} left: the file is cut")
        self.position += count
        return self._data[self.position - count : self.position]

    def unsigned(self, size: int) -> int:
        """An unsigned little-endian integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def varint(self) -> int:
        """An unsigned LEB128 integer below 2^32, in its shortest form.

        Raises:
          InvalidHeader: it is longer than needed or 2^32 or more.
        """
        start, value = self.position, 0
        for shift in range(0, 7 * MAX_VARINT_BYTES, 7):
            byte = self.unsigned(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >= 2**32 or (byte == 0 and shift > 0):
                    break
                return value
        raise InvalidHeader(f"the varint at byte {start} is not a shortest form below 2^32")

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self.position


def varint(value: int) -> bytes:
    """LEB128 of 0 <= value < 2^32."""
    assert 0 <= value < 2**32, value
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
