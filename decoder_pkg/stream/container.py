"""The container: names, picture headers and payloads of an image set. FORMAT.md specifies every byte."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import HeaderChecksum, InvalidHeader, LimitExceeded, NotAnArchive, TrailingData, UnsupportedVersion
from ..gains import GAIN_COUNT
from ..grids import LATENT_STRIDE, latent_size
from .wire import Reader, varint

MAGIC = b"\x89CLC"
VERSION = 2
BUNDLE_ID_BYTES = 8
MAX_IMAGES = 4096
MAX_NAME_BYTES = 200
"""Leaves room for what a file system's 255 bytes must hold beside it while a file is written."""

MAX_NAMES_BYTES = MAX_IMAGES * (MAX_NAME_BYTES + 1)
MAX_SIDE = 65535
MAX_PIXELS = 2**26
MAX_PIXEL_BYTES = 8
"""Payload bytes for each pixel, the size rounded up to whole latents: no encoder has a use for as many."""

MAX_SET_PIXELS = 2**31
"""Bounds the time that a stream of a few bytes can ask for."""

MAX_RECORDS = 2**9 - 1
"""A gain map and eight post-filters."""

VARINT = 0
"""As a field's width: a varint in place of a fixed number of bytes."""


@dataclass(frozen=True)
class Field:
    """One number of the picture header: its name, width in bytes (or VARINT) and inclusive range."""

    name: str
    width: int
    low: int
    high: int


FIELDS = (
    Field("model", 1, 0, 255),
    Field("gain", 1, 0, GAIN_COUNT - 1),
    Field("q", 1, 1, 255),
    Field("records", VARINT, 0, MAX_RECORDS),
    Field("width", VARINT, 1, MAX_SIDE),
    Field("height", VARINT, 1, MAX_SIDE),
    Field("length", VARINT, 0, 2**31 - 1),
    Field("checksum", 2, 0, 2**16 - 1),
)


@dataclass(frozen=True)
class ImageHeader:
    """What the decoder must know before the payload.

    Attributes:
      model: id of a model of the bundle.
      gain: gain index in [0, GAIN_COUNT).
      q: quantisation step in 1/128, in [1, 255].
      records: which side information the payload begins with: bit 0 a gain map, bit 1 + n that of post-filter n.
      width, height: pixels.
      length: payload bytes.
      checksum: of the payload and the integers it decodes to, see `payload.checksum`.
    """

    model: int
    gain: int
    q: int
    records: int
    width: int
    height: int
    length: int
    checksum: int

    @property
    def filters(self) -> list[int]:
        """Ids of the post-filters that are on."""
        return [number for number in range(MAX_RECORDS.bit_length() - 1) if self.records >> 1 + number & 1]

    @property
    def has_gain_map(self) -> bool:
        """Whether the gain differs between positions."""
        return bool(self.records & 1)

    @property
    def setting(self) -> tuple[int, int, int]:
        """Model, gain and q: what two streams share whose latents can be mixed."""
        return self.model, self.gain, self.q


@dataclass(frozen=True)
class Entry:
    """One picture of an archive: name without extension, header, payload."""

    name: str
    header: ImageHeader
    payload: bytes


@dataclass(frozen=True)
class Archive:
    """A parsed container."""

    bundle_id: bytes
    entries: tuple[Entry, ...]

    @property
    def models(self) -> set[int]:
        """Ids of the models that its pictures name."""
        return {entry.header.model for entry in self.entries}

    @property
    def filters(self) -> set[int]:
        """Ids of the post-filters that its pictures name."""
        return {number for entry in self.entries for number in entry.header.filters}


def write_archive(bundle_id: bytes, entries: Sequence[Entry]) -> bytes:
    """Serialises pictures in the given order.

    Raises:
      InvalidHeader: a name or field is out of range.
      LimitExceeded: too many pictures, or one is too large.
    """
    assert len(bundle_id) == BUNDLE_ID_BYTES
    names = _join_names([entry.name for entry in entries])
    _check_set([entry.header for entry in entries])
    head = bytearray(MAGIC + bytes([VERSION]) + bundle_id + varint(len(entries)) + varint(len(names)) + names)
    for entry in entries:
        head += _write_header(entry.header)
    head += zlib.crc32(head).to_bytes(4, "little")
    return bytes(head) + b"".join(entry.payload for entry in entries)


def read_archive(data: bytes) -> Archive:
    """Parses a container and checks its header block; the payloads are checked when they are decoded.

    Raises:
      FormatError: one of its subclasses, see `errors`.
    """
    reader = Reader(data)
    if reader.take(len(MAGIC)) != MAGIC:
        raise NotAnArchive("the magic bytes are other ones: this is no CLC archive")
    version = reader.unsigned(1)
    if version != VERSION:
        raise UnsupportedVersion(f"format version {version}; this decoder reads version {VERSION}")
    bundle_id = reader.take(BUNDLE_ID_BYTES)
    count = reader.varint()
    if not 1 <= count <= MAX_IMAGES:
        raise LimitExceeded(f"{count} pictures; an archive holds 1 to {MAX_IMAGES}")
    packed_names = reader.take(reader.varint())
    headers = [_read_header(reader) for _ in range(count)]
    _check_set(headers)
    computed = zlib.crc32(data[: reader.position])
    if reader.unsigned(4) != computed:
        raise HeaderChecksum("the header block is damaged (checksum differs)")
    names = _split_names(packed_names, count)
    payloads = [reader.take(header.length) for header in headers]
    if reader.left:
        raise TrailingData(f"{reader.left} bytes follow the last payload")
    return Archive(bundle_id, tuple(Entry(*row) for row in zip(names, headers, payloads, strict=True)))


def entry_size(entry: Entry) -> int:
    """Bytes that a picture adds to an archive, its name aside."""
    return len(_write_header(entry.header)) + len(entry.payload)


def _write_header(header: ImageHeader) -> bytes:
    _check_header(header)
    parts = []
    for field in FIELDS:
        value = getattr(header, field.name)
        parts.append(varint(value) if field.width == VARINT else value.to_bytes(field.width, "little"))
    return b"".join(parts)


def _read_header(reader: Reader) -> ImageHeader:
    values = [reader.varint() if field.width == VARINT else reader.unsigned(field.width) for field in FIELDS]
    header = ImageHeader(*values)
    _check_header(header)
    return header


def _check_header(header: ImageHeader) -> None:
    for field in FIELDS:
        value = getattr(header, field.name)
        if not field.low <= value <= field.high:
            raise InvalidHeader(f"{field.name} is {value}; allowed are {field.low} to {field.high}")
    if header.width * header.height > MAX_PIXELS:
        raise LimitExceeded(f"{header.width}x{header.height} is more than {MAX_PIXELS} pixels")
    if header.length > most_payload_bytes(header.height, header.width):
        raise LimitExceeded(f"a payload of {header.length} bytes for {header.width}x{header.height} pixels")


def most_payload_bytes(height: int, width: int) -> int:
    """The longest payload that a picture of this size may have."""
    return MAX_PIXEL_BYTES * LATENT_STRIDE**2 * math.prod(latent_size(height, width))


def _check_set(headers: Sequence[ImageHeader]) -> None:
    pixels = sum(header.width * header.height for header in headers)
    if pixels > MAX_SET_PIXELS:
        raise LimitExceeded(f"all pictures together have {pixels} pixels; {MAX_SET_PIXELS} are allowed")


def _join_names(names: Sequence[str]) -> bytes:
    if not 1 <= len(names) <= MAX_IMAGES:
        raise LimitExceeded(f"{len(names)} pictures; an archive holds 1 to {MAX_IMAGES}")
    check_names(names)
    compressor = zlib.compressobj(9, wbits=-15)
    return compressor.compress("\n".join(names).encode()) + compressor.flush()


def _split_names(packed: bytes, count: int) -> list[str]:
    decompressor = zlib.decompressobj(wbits=-15)
    try:
        joined = decompressor.decompress(packed, MAX_NAMES_BYTES)
        text = joined.decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise InvalidHeader(f"the name list cannot be unpacked: {error}") from None
    if not decompressor.eof or decompressor.unused_data:
        raise LimitExceeded(f"the name list is not one deflate stream of at most {MAX_NAMES_BYTES} bytes")
    names = text.split("\n")
    if len(names) != count:
        raise InvalidHeader(f"{len(names)} names for {count} pictures")
    check_names(names)
    return names


def check_names(names: Sequence[str]) -> None:
    """Refuses names that a stream cannot hold.

    Raises:
      InvalidHeader: one has a forbidden character or length, or two are equal.
    """
    for name in names:
        if not name.isprintable() or "/" in name or "\\" in name or name.startswith("."):
            raise InvalidHeader(f"the name {name!r} has a slash, a leading dot or an unprintable character")
        if not 1 <= len(name.encode()) <= MAX_NAME_BYTES:
            raise InvalidHeader(f"a name has {len(name.encode())} bytes; allowed are 1 to {MAX_NAME_BYTES}")
    if len({name.casefold() for name in names}) != len(names):
        raise InvalidHeader("two pictures share a name")
