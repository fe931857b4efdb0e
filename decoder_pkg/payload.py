"""One picture's payload: side information first, then the integers in the codec's own order."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .codecs import CodingSetting, IntegerCodec, Integers
from .entropy import Coder, open_payload
from .errors import CorruptPayload, PayloadChecksum
from .gain_map import read_gain_map, write_gain_map
from .gains import GainField
from .models import Bundle
from .pixels.filters import FilterChain, FilterLink, PostFilter
from .stream import Entry, ImageHeader


@dataclass(frozen=True)
class SideInformation:
    """What a payload begins with.

    Attributes:
      gain: of every position.
      filters: that are on, with their parameters.
    """

    gain: GainField
    filters: FilterChain

    @property
    def records(self) -> int:
        """What a header says of it, see `ImageHeader.records`."""
        return int(self.gain.map is not None) | sum(2 << number for number in self.filters.links)


@dataclass(frozen=True)
class DecodedPayload:
    """All that one payload says.

    Attributes:
      side: side information.
      integers: of the picture, by grid.
    """

    side: SideInformation
    integers: Integers

    @property
    def sha256(self) -> str:
        """Digest of the integers, grid by grid, in hexadecimal."""
        return hashlib.sha256(b"".join(_bytes(self.integers))).hexdigest()


def read_side_information(coder: Coder, header: ImageHeader, filters: Mapping[int, PostFilter[Any]]) -> SideInformation:
    """Reads the records that a header announces: the gain map, then each post-filter's parameters by rising id.

    Raises:
      CorruptPayload: the bytes cannot come from an encoder, or a post-filter is missing.
    """
    size = header.height, header.width
    gain = read_gain_map(coder, header.gain, size) if header.has_gain_map else GainField(header.gain)
    missing = set(header.filters) - filters.keys()
    if missing:
        raise CorruptPayload(f"names filter {min(missing)}; the bundle has {sorted(filters)}")
    parameters = {number: filters[number].read(coder, header.gain) for number in header.filters}
    links = {number: FilterLink(filters[number], parameters[number]) for number in filters if number in parameters}
    return SideInformation(gain, FilterChain(links))


def write_side_information(coder: Coder, side: SideInformation) -> None:
    """Writes what `read_side_information` reads."""
    if side.gain.map is not None:
        write_gain_map(coder, side.gain)
    for number in sorted(side.filters.links):
        link = side.filters.links[number]
        link.filter.write(coder, link.parameters, side.gain.base)


def decode_payload(
    codec: IntegerCodec[Any], payload: bytes, header: ImageHeader, filters: Mapping[int, PostFilter[Any]]
) -> DecodedPayload:
    """Decodes one picture's payload; its checksum is not looked at.

    Args:
      codec: of the model that the header names.
      payload: the range coder's bytes.
      header: of the picture.
      filters: of the bundle, in the order in which they are applied.

    Raises:
      CorruptPayload: the bytes cannot come from an encoder.
    """
    coder = open_payload(payload)
    side = read_side_information(coder, header, filters)
    setting = CodingSetting(side.gain, header.q)
    return DecodedPayload(side, codec.decode(coder, (header.height, header.width), setting))


def checksum(payload: bytes, integers: Integers) -> int:
    """Lower 16 bits of the CRC-32 of the payload followed by its integers, grid by grid, as little-endian int32.

    It covers the decoding itself: a machine on which it went another way would notice.
    """
    value = zlib.crc32(payload)
    for part in _bytes(integers):
        value = zlib.crc32(part, value)
    return value & 0xFFFF


def _bytes(integers: Integers) -> list[memoryview]:
    return [np.ascontiguousarray(grid, dtype="<i4").data.cast("B") for grid in integers.values()]


def decode_integers(bundle: Bundle, entry: Entry) -> DecodedPayload:
    """Decodes and checks one picture's payload.

    Raises:
      PayloadError: it is damaged, or names a model or post-filter that the bundle lacks.
    """
    header = entry.header
    if header.model not in bundle.models:
        raise CorruptPayload(f"{entry.name}: names model {header.model}; the bundle has {sorted(bundle.models)}")
    codec = bundle.models[header.model].codec
    try:
        decoded = decode_payload(codec, entry.payload, header, bundle.post_filters)
    except CorruptPayload as error:
        raise CorruptPayload(f"{entry.name}: {error}") from None
    if checksum(entry.payload, decoded.integers) != header.checksum:
        raise PayloadChecksum(f"{entry.name}: the payload is damaged (checksum differs)")
    return decoded
