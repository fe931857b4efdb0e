"""Streams made of real ones by damage: from single bits to forged headers whose checksums are right."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from decoder_pkg.commands import ZIP_MEMBER
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.models.bundle import Bundle
from decoder_pkg.payload import checksum, decode_payload
from decoder_pkg.stream.container import FIELDS, MAGIC, VERSION, Entry, ImageHeader, read_archive
from decoder_pkg.stream.wire import varint
from submission.package.zips import build_zip
from tests.golden.make import STREAM
from tests.paths import GOLDEN
from tests.streams import archive_of, with_header

NUMBERS = (0, 1, 2, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
SIDES = (1, 2, 15, 16, 17, 31, 48, 63, 64, 65, 100)
NAMES = ("", ".", "..", "a/b", "/etc/x", "a\\b", "a\0b", "a\nb", "x" * 201, "x" * 200, "\u202e", "Photo", "ß")


@cache
def seeds() -> tuple[Entry, ...]:
    """Pictures of the golden streams, without and with a post-filter."""
    streams = (GOLDEN / STREAM, GOLDEN / "filtered" / STREAM)
    return tuple(entry for path in streams for entry in read_archive(path.read_bytes()).entries)


def mutated(bundle: Bundle, seed: int, number: int) -> bytes:
    """The zip of one mutated stream; the same for the same seed and number."""
    rng = random.Random(f"{seed}/{number}")
    data = build_zip({ZIP_MEMBER: _stream(bundle, rng)})
    return scrambled(data, rng) if rng.random() < 0.15 else data


def _stream(bundle: Bundle, rng: random.Random) -> bytes:
    entries = [rng.choice(ENTRY_MUTATIONS)(bundle, entry, rng) for entry in rng.sample(seeds(), rng.randint(1, 2))]
    names = [entry.name for entry in entries]
    if rng.random() < 0.05:
        names[0] = rng.choice((*NAMES, names[-1]))
    data = forged_archive(archive_of(bundle, *entries).bundle_id, entries, "\n".join(names).encode(), len(entries))
    if rng.random() < 0.25:
        data = scrambled(data, rng)
        return resigned(data, rng) if rng.random() < 0.5 else data
    return data


def forged_archive(bundle_id: bytes, entries: list[Entry], names: bytes, count: int) -> bytes:
    """Writes a container without any of the writer's checks."""
    compressor = zlib.compressobj(9, wbits=-15)
    packed = compressor.compress(names) + compressor.flush()
    head = MAGIC + bytes([VERSION]) + bundle_id + varint(count) + varint(len(packed)) + packed
    head += b"".join(forged_header(entry.header) for entry in entries)
    return head + zlib.crc32(head).to_bytes(4, "little") + b"".join(entry.payload for entry in entries)


def forged_header(header: ImageHeader) -> bytes:
    """Writes a header whose fields may be out of range, cut to what their width holds."""
    parts = []
    for field in FIELDS:
        value = getattr(header, field.name)
        parts.append(
            (value % 256**field.width).to_bytes(field.width, "little") if field.width else varint(value % 2**32)
        )
    return b"".join(parts)


def scrambled(data: bytes, rng: random.Random) -> bytes:
    """Flips, cuts, inserts, doubles or overwrites bytes, one to four times."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(BYTE_MUTATIONS)(data, rng)
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) or 1)
    return data[:at] + bytes(byte ^ (1 << rng.randrange(8)) for byte in data[at : at + 1]) + data[at + 1 :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _drop(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.randint(1, 8) :]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.randint(1, 40)) + data[at:]


def _double(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at : at + rng.randint(1, 60)] + data[at:]


def _number(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    written = rng.choice((varint(rng.choice(NUMBERS)), struct.pack("<I", rng.choice(NUMBERS))))
    return data[:at] + written + data[at + len(written) :]


BYTE_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _cut, _drop, _insert, _double, _number)


def resigned(data: bytes, rng: random.Random) -> bytes:
    """Writes a right header checksum at a guessed end of the header block."""
    end = rng.randint(14, 60)
    return data[:end] + zlib.crc32(data[:end]).to_bytes(4, "little") + data[end + 4 :]


def _same(bundle: Bundle, entry: Entry, rng: random.Random) -> Entry:
    return entry


def _payload(bundle: Bundle, entry: Entry, rng: random.Random) -> Entry:
    payload = scrambled(entry.payload, rng) if rng.random() < 0.7 else rng.randbytes(rng.randint(0, 300))
    return replace(with_header(entry, length=len(payload)), payload=payload)


def _field(bundle: Bundle, entry: Entry, rng: random.Random) -> Entry:
    field = rng.choice(FIELDS)
    value = rng.choice((rng.choice(NUMBERS), rng.randint(field.low, field.high)))
    if field.name in ("width", "height"):
        value = rng.choice((*NUMBERS, *SIDES))
        return replace(entry, header=_bounded(replace(entry.header, **{field.name: value})))
    return replace(entry, header=replace(entry.header, **{field.name: value}))


def _bounded(header: ImageHeader) -> ImageHeader:
    """Keeps a picture of a permitted size small, so that many can be tried."""
    if header.width * header.height <= 2**20 or max(header.width, header.height) > 65535:
        return header
    return replace(header, width=min(header.width, 64)) if header.height > 64 else header


def _setting(bundle: Bundle, entry: Entry, rng: random.Random) -> Entry:
    """Another size, gain, step, side information and model, within their ranges."""
    header = replace(
        entry.header,
        model=rng.choice(sorted(bundle.models)),
        gain=rng.randint(0, 48),
        q=rng.randint(1, 255),
        records=rng.choice((0, 0, 1, 2, 3)),
        width=rng.choice(SIDES),
        height=rng.choice(SIDES),
    )
    return replace(entry, header=header)


def _convincing(bundle: Bundle, entry: Entry, rng: random.Random) -> Entry:
    """A damaged payload with a right checksum where it decodes at all: it reaches the pixels' half of the decoder."""
    forged = _payload(bundle, _setting(bundle, entry, rng), rng)
    header = forged.header
    try:
        decoded = decode_payload(bundle.models[header.model].codec, forged.payload, header, bundle.post_filters)
    except CorruptPayload:
        return forged
    return with_header(forged, checksum=checksum(forged.payload, decoded.integers))


ENTRY_MUTATIONS: tuple[Callable[[Bundle, Entry, random.Random], Entry], ...] = (
    _same,
    _payload,
    _field,
    _setting,
    _convincing,
    _convincing,
)
