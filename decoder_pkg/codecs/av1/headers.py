"""AV1 data of one picture: its two open bitstream units (OBUs), and what the first of them says.

AV1 Bitstream & Decoding Process Specification, sections 5.3 (OBUs), 5.5 (sequence header) and 7.5 (their order).
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import CorruptPayload, FormatError
from ...stream.wire import Reader

SEQUENCE_HEADER, FRAME = 1, 6
"""Types of OBUs."""

UNSPECIFIED = 2
"""Of colour primaries, transfer characteristics and matrix coefficients (section 6.4.2)."""

SRGB_IDENTITY = (1, 13, 0)
"""Colours that are red, green and blue themselves: range and subsampling follow."""


@dataclass(frozen=True)
class Colour:
    """How samples stand for colours.

    Attributes:
      primaries, transfer, matrix: code points of ISO/IEC 23091-2.
      full_range: whether samples use all levels.
      halved: whether chroma has half the width and height (4:2:0); else it has all samples (4:4:4).
      chroma_position: where a chroma sample lies, in [0, 3]; 0 where it is not known.
    """

    primaries: int
    transfer: int
    matrix: int
    full_range: bool
    halved: bool
    chroma_position: int


@dataclass(frozen=True)
class SequenceHeader:
    """What a decoder must know before the frame.

    Attributes:
      profile: 0 (4:2:0) or 1 (4:4:4).
      level: level index in [0, 31].
      width, height: pixels.
      colour: of its samples, which have 8 bits.
    """

    profile: int
    level: int
    width: int
    height: int
    colour: Colour


class _Bits:
    """Reads numbers of some bits, highest first."""

    def __init__(self, data: bytes) -> None:
        self._value, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            raise CorruptPayload("the AV1 sequence header is cut")
        self.left -= count
        return self._value >> self.left & (1 << count) - 1

    def expect(self, count: int, value: int, meaning: str) -> None:
        if self.take(count) != value:
            raise CorruptPayload(f"the AV1 sequence header {meaning}")

    def flag(self) -> bool:
        return bool(self.take(1))


def read_av1(data: bytes) -> SequenceHeader:
    """Checks that AV1 data is a sequence header and one frame, without a temporal delimiter, and reads the first.

    The frame itself is left to the AV1 decoder: of a reduced still picture its size is that of the sequence header.

    Raises:
      CorruptPayload: it holds other OBUs, bytes beside them, or no still picture of three 8-bit planes.
    """
    reader = Reader(data)
    header = _read_sequence_header(_take_obu(reader, SEQUENCE_HEADER, "a sequence header"))
    if not _take_obu(reader, FRAME, "a frame"):
        raise CorruptPayload("the AV1 frame is empty")
    if reader.left:
        raise CorruptPayload(f"{reader.left} bytes follow the AV1 frame")
    return header


def _take_obu(reader: Reader, kind: int, meaning: str) -> bytes:
    """The content of the next OBU, which must have a size and no extension."""
    try:
        if reader.unsigned(1) != kind << 3 | 2:
            raise CorruptPayload(f"the AV1 data lacks {meaning} where one must stand")
        return reader.take(reader.varint())
    except FormatError as error:
        raise CorruptPayload(f"the AV1 data is cut or damaged: {error}") from None


def _read_sequence_header(data: bytes) -> SequenceHeader:
    bits = _Bits(data)
    profile = bits.take(3)
    if profile > 1:
        raise CorruptPayload(f"the AV1 data has profile {profile}; 0 and 1 are known")
    bits.expect(2, 0b11, "is not that of a reduced still picture")
    level = bits.take(5)
    widths = bits.take(4) + 1, bits.take(4) + 1
    width, height = (bits.take(count) + 1 for count in widths)
    bits.take(6)  # coding tools, which are the AV1 decoder's matter
    colour = _read_colour(bits, profile)
    bits.expect(1, 0, "asks for film grain")
    if bits.left > 8:
        raise CorruptPayload("bytes follow the AV1 sequence header")
    bits.expect(bits.left, 1 << bits.left >> 1, "ends without its trailing bits")
    return SequenceHeader(profile, level, width, height, colour)


def _read_colour(bits: _Bits, profile: int) -> Colour:
    bits.expect(1, 0, "has samples of more than 8 bits")
    if profile == 0:
        bits.expect(1, 0, "has no chroma")
    described = bits.flag()
    codes = (bits.take(8), bits.take(8), bits.take(8)) if described else (UNSPECIFIED,) * 3
    if codes == SRGB_IDENTITY:
        if profile == 0:
            raise CorruptPayload("the AV1 data has red, green and blue of different sizes")
        full_range, position = True, 0
    else:
        full_range, position = bits.flag(), bits.take(2) if profile == 0 else 0
    bits.take(1)  # whether both chroma planes have quantisers of their own
    return Colour(*codes, full_range, halved=profile == 0, chroma_position=position)
