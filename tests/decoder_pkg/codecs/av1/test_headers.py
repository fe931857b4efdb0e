from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.codecs.av1.headers import Colour, SequenceHeader, read_av1
from decoder_pkg.errors import CorruptPayload
from tests.decoder_pkg.codecs.av1.files import avif_of, data_of, noise

Fields = dict[str, tuple[int, int]]
"""Width in bits and value of each, in their order."""

FIELDS: Fields = {
    "profile": (3, 1), "still": (1, 1), "reduced": (1, 1), "level": (5, 8), "width bits": (4, 6),
    "height bits": (4, 5), "width": (7, 99), "height": (6, 49), "tools": (6, 0b010101), "high depth": (1, 0),
    "described": (1, 1), "primaries": (8, 1), "transfer": (8, 13), "matrix": (8, 6), "range": (1, 1),
    "separate": (1, 0), "grain": (1, 0), "end": (1, 1),
}  # fmt: skip
SUBSAMPLED: Fields = {
    name: row
    for before, own in FIELDS.items()
    for name, row in {
        "described": {"mono": (1, 0), "described": own},
        "separate": {"position": (2, 2), "separate": own},
        "profile": {"profile": (3, 0)},
    }.get(before, {before: own}).items()
}  # fmt: skip
FRAME = b"\x32\x03abc"


def sequence_header(fields: Fields, padding: int = 0) -> bytes:
    bits = "".join(f"{value:0{width}b}" for width, value in fields.values())
    bits += "0" * (-len(bits) % 8 + padding)
    content = bytes(int(bits[start : start + 8], 2) for start in range(0, len(bits), 8))
    return b"\x0a" + bytes([len(content)]) + content


def changed(fields: Fields = FIELDS, **values: int) -> bytes:
    named = {name.replace("_", " "): value for name, value in values.items()}
    assert named.keys() <= fields.keys()
    return sequence_header({name: (width, named.get(name, value)) for name, (width, value) in fields.items()}) + FRAME


def without(*names: str, **values: int) -> bytes:
    return changed({name: row for name, row in FIELDS.items() if name not in names}, **values)


def test_every_field_is_read_where_it_lies() -> None:
    assert read_av1(changed()) == SequenceHeader(1, 8, 100, 50, Colour(1, 13, 6, True, False, 0))
    assert read_av1(changed(SUBSAMPLED)) == SequenceHeader(0, 8, 100, 50, Colour(1, 13, 6, True, True, 2))
    assert read_av1(without("primaries", "transfer", "matrix", described=0)).colour == Colour(2, 2, 2, True, False, 0)
    assert read_av1(without("range", matrix=0)).colour == Colour(1, 13, 0, True, False, 0)


SEQUENCE = sequence_header(FIELDS)
DAMAGED = {
    "nothing": (b"", "cut"),
    "temporal delimiter": (b"\x12\x00" + SEQUENCE + FRAME, "lacks a sequence header"),
    "forbidden bit": (b"\x8a" + SEQUENCE[1:] + FRAME, "lacks a sequence header"),
    "extension": (b"\x0e" + SEQUENCE[1:] + FRAME, "lacks a sequence header"),
    "no size": (b"\x08" + SEQUENCE[2:], "lacks a sequence header"),
    "reserved bit": (b"\x0b" + SEQUENCE[1:] + FRAME, "lacks a sequence header"),
    "no frame": (SEQUENCE, "cut"),
    "frame first": (FRAME + SEQUENCE, "lacks a sequence header"),
    "second sequence header": (SEQUENCE + SEQUENCE + FRAME, "lacks a frame"),
    "frame header alone": (SEQUENCE + b"\x1a" + FRAME[1:], "lacks a frame"),
    "metadata": (SEQUENCE + b"\x2a" + FRAME[1:], "lacks a frame"),
    "empty frame": (SEQUENCE + b"\x32\x00", "frame is empty"),
    "frame beyond the end": (SEQUENCE + FRAME[:-1], "cut"),
    "second frame": (SEQUENCE + FRAME + FRAME, "5 bytes follow"),
    "size in a longer form": (SEQUENCE + b"\x32\x83\x00abc", "shortest form"),
    "cut sequence header": (b"\x0a\x03" + SEQUENCE[2:5] + FRAME, "header is cut"),
    "empty sequence header": (b"\x0a\x00" + FRAME, "header is cut"),
    "long sequence header": (sequence_header(FIELDS, 8) + FRAME, "follow the AV1 sequence header"),
    "profile 2": (changed(profile=2), "profile 2"),
    "film": (changed(still=0), "reduced still picture"),
    "not reduced": (changed(reduced=0), "reduced still picture"),
    "ten bits": (changed(high_depth=1), "more than 8 bits"),
    "grey": (changed(SUBSAMPLED, mono=1), "no chroma"),
    "subsampled red, green and blue": (changed(SUBSAMPLED, matrix=0), "different sizes"),
    "film grain": (changed(grain=1), "film grain"),
    "no trailing bit": (changed(end=0), "trailing bits"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_data_is_refused_before_the_av1_decoder_sees_it(name: str) -> None:
    data, message = DAMAGED[name]
    with pytest.raises(CorruptPayload, match=message):
        read_av1(data)


@given(st.data())
def test_any_bytes_are_a_header_or_a_named_error(source: st.DataObject) -> None:
    start = source.draw(st.integers(0, len(SEQUENCE)))
    data = SEQUENCE[:start] + source.draw(st.binary(max_size=30))
    try:
        header = read_av1(data)
    except CorruptPayload:
        return
    assert 1 <= header.width <= 2**16
    assert 1 <= header.height <= 2**16


def test_pillow_s_data_is_read_and_every_cut_of_it_refused() -> None:
    data = data_of(avif_of(noise(20, 30)))
    assert read_av1(data).width == 30
    for end in range(len(data)):
        with pytest.raises(CorruptPayload):
            read_av1(data[:end])
