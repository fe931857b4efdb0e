from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.errors import (
    DecoderError,
    HeaderChecksum,
    InvalidHeader,
    LimitExceeded,
    NotAnArchive,
    TrailingData,
    TruncatedArchive,
    UnsupportedVersion,
)
from decoder_pkg.stream.container import (
    FIELDS,
    MAX_PIXELS,
    MAX_RECORDS,
    MAX_SET_PIXELS,
    VERSION,
    Entry,
    ImageHeader,
    entry_size,
    read_archive,
    write_archive,
)
from decoder_pkg.stream.wire import varint

BUNDLE = bytes(range(8))


def make_entry(name: str = "photo", payload: bytes = b"payload", width: int = 100, height: int = 50) -> Entry:
    header = ImageHeader(1, 24, 128, 0, width, height, len(payload), 0)
    return Entry(name, header, payload)


def resign(data: bytes, entries: int = 1) -> bytes:
    """Puts a right header checksum into an archive whose header block ends before `payload`."""
    end = len(data) - entries * len(b"payload") - 4
    return data[:end] + zlib.crc32(data[:end]).to_bytes(4, "little") + data[end + 4 :]


names = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=40)


@given(
    st.dictionaries(names.map(str.casefold), st.binary(max_size=50), min_size=1, max_size=5),
    st.integers(1, 4000),
    st.integers(1, 4000),
)
def test_archive_does_not_change_what_it_holds(rows: dict[str, bytes], width: int, height: int) -> None:
    if len({name.casefold() for name in rows}) != len(rows):
        return
    entries = tuple(make_entry(name, payload, width, height) for name, payload in rows.items())
    data = write_archive(BUNDLE, entries)
    archive = read_archive(data)
    assert archive.bundle_id == BUNDLE
    assert archive.entries == entries


def test_entry_size_is_what_an_entry_adds() -> None:
    one = make_entry("a", b"x" * 1000)
    other = make_entry("b", b"y" * 77, width=9000)
    alone = len(write_archive(BUNDLE, [one, replace(other, payload=b"", header=replace(other.header, length=0))]))
    both = len(write_archive(BUNDLE, [one, other]))
    assert both - alone == entry_size(other) - entry_size(
        replace(other, payload=b"", header=replace(other.header, length=0))
    )


def test_header_is_a_dozen_bytes() -> None:
    assert entry_size(make_entry(payload=b"", width=2048, height=1365)) <= 12


def test_every_cut_is_refused() -> None:
    data = write_archive(BUNDLE, [make_entry("a"), make_entry("b")])
    for length in range(len(data)):
        with pytest.raises(DecoderError):
            read_archive(data[:length])


def test_every_flipped_bit_of_the_header_block_is_noticed() -> None:
    data = write_archive(BUNDLE, [make_entry("a"), make_entry("b")])
    for position in range(len(data) - 2 * len(b"payload")):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            try:
                archive = read_archive(bytes(damaged))
            except DecoderError:
                continue
            assert archive.bundle_id != BUNDLE, f"bit {bit} of byte {position} went unnoticed"


def test_foreign_file_is_refused() -> None:
    with pytest.raises(NotAnArchive):
        read_archive(b"\x89PNG\r\n\x1a\n" + bytes(100))


def test_empty_file_is_refused() -> None:
    with pytest.raises(TruncatedArchive):
        read_archive(b"")


@pytest.mark.parametrize("version", [0, 1, VERSION + 1, 255])
def test_stream_of_another_version_is_refused(version: int) -> None:
    data = bytearray(write_archive(BUNDLE, [make_entry()]))
    data[4] = version
    with pytest.raises(UnsupportedVersion, match=rf"version {version}; .*version {VERSION}"):
        read_archive(bytes(data))


@given(st.integers(0, MAX_RECORDS))
def test_header_names_just_the_records_that_it_announces(records: int) -> None:
    entry = replace(make_entry(), header=replace(make_entry().header, records=records))
    (read,) = read_archive(write_archive(BUNDLE, [entry])).entries
    assert read == entry
    bits = [number for number in range(9) if records >> number & 1]
    assert ([0] if read.header.has_gain_map else []) + [1 + number for number in read.header.filters] == bits


def test_archive_knows_every_model_and_filter_that_its_pictures_name() -> None:
    entries = [
        replace(make_entry(name), header=replace(make_entry().header, model=model, records=records))
        for name, model, records in (("a", 3, 0b010), ("b", 9, 0b101), ("c", 3, 0))
    ]
    archive = read_archive(write_archive(BUNDLE, entries))
    assert (archive.models, archive.filters) == ({3, 9}, {0, 1})


def test_padding_is_refused() -> None:
    with pytest.raises(TrailingData):
        read_archive(write_archive(BUNDLE, [make_entry()]) + b"\0")


def test_damaged_header_is_told_from_a_foreign_file() -> None:
    data = bytearray(write_archive(BUNDLE, [make_entry()]))
    data[20] ^= 1
    with pytest.raises((HeaderChecksum, LimitExceeded, InvalidHeader)):
        read_archive(bytes(data))


@pytest.mark.parametrize("field", [f for f in FIELDS if f.name not in ("length", "checksum")], ids=lambda f: f.name)
def test_field_out_of_range_is_refused_when_written(field: object) -> None:
    name, high = getattr(field, "name", ""), getattr(field, "high", 0)
    entry = make_entry()
    for value in (high + 1, -1):
        with pytest.raises(InvalidHeader):
            write_archive(BUNDLE, [replace(entry, header=replace(entry.header, **{name: value}))])


def test_too_many_pixels_are_refused_before_memory_is_taken() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    with pytest.raises(LimitExceeded):
        write_archive(BUNDLE, [make_entry(width=side, height=side)])


@pytest.mark.parametrize(("width", "height"), [(65535, 32769), (46341, 46341), (1, 2**31), (2**31, 1), (2**32 - 1, 1)])
def test_header_of_two_to_the_31_pixels_is_refused_when_read(width: int, height: int) -> None:
    data = write_archive(BUNDLE, [make_entry(width=100, height=50)])
    size = bytes([1, 24, 128, 0, 100, 50])
    forged = data.replace(size, size[:4] + varint(width) + varint(height))
    with pytest.raises((LimitExceeded, InvalidHeader)):
        read_archive(resign(forged))


def test_stream_that_asks_for_hours_is_refused() -> None:
    """Each of its pictures is permitted, and none needs a byte of payload."""
    count = MAX_SET_PIXELS // MAX_PIXELS + 1
    entries = [make_entry(f"{n}", b"", width=2**14, height=MAX_PIXELS // 2**14) for n in range(count)]
    with pytest.raises(LimitExceeded, match="together"):
        write_archive(BUNDLE, entries)
    data = bytearray(write_archive(BUNDLE, entries[:-1]))
    assert len(read_archive(bytes(data)).entries) == count - 1


def test_zero_width_is_refused_when_read() -> None:
    data = write_archive(BUNDLE, [make_entry(width=100)])
    position = data.index(bytes([1, 24, 128, 0, 100, 50]))
    forged = data[: position + 4] + b"\0" + data[position + 5 :]
    with pytest.raises(InvalidHeader):
        read_archive(resign(forged))


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a\\b", "a\0b", "a\nb", "x" * 201, "\ud800"])
def test_name_that_leaves_the_folder_is_refused(name: str) -> None:
    with pytest.raises(InvalidHeader):
        write_archive(BUNDLE, [make_entry(name)])


def test_forged_name_is_refused_when_read() -> None:
    data = write_archive(BUNDLE, [make_entry("abcd")])
    compressor = zlib.compressobj(9, wbits=-15)
    honest = compressor.compress(b"abcd") + compressor.flush()
    compressor = zlib.compressobj(9, wbits=-15)
    forged = compressor.compress(b"../x") + compressor.flush()
    assert len(forged) == len(honest)
    with pytest.raises(InvalidHeader):
        read_archive(resign(data.replace(honest, forged)))


def test_name_list_that_unpacks_without_end_is_refused() -> None:
    compressor = zlib.compressobj(9, wbits=-15)
    bomb = compressor.compress(bytes(2**25)) + compressor.flush()
    data = write_archive(BUNDLE, [make_entry("abcd")])
    compressor = zlib.compressobj(9, wbits=-15)
    honest = compressor.compress(b"abcd") + compressor.flush()
    forged = data.replace(varint(len(honest)) + honest, varint(len(bomb)) + bomb)
    with pytest.raises(LimitExceeded):
        read_archive(resign(forged))


def test_doubled_name_is_refused() -> None:
    with pytest.raises(InvalidHeader):
        write_archive(BUNDLE, [make_entry("photo"), make_entry("Photo")])


def test_empty_archive_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        write_archive(BUNDLE, [])
