from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.pictures import orientation

BEYOND = 271, 12, 4, 60_000
"""A maker whose eight-byte numbers lie beyond the end."""

UPRIGHT = 0x112, 3, 1, 6


def exif(order: str, *tags: tuple[int, int, int, int]) -> bytes:
    """EXIF data of one directory; a tag is its number, type, count and what stands in its place."""
    entries = [
        struct.pack(f"{order}HHL", tag, kind, count) + struct.pack(f"{order}{'H2x' if kind == 3 else 'L'}", value)
        for tag, kind, count, value in tags
    ]
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + mark + struct.pack(f"{order}LH", 8, len(entries)) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("others", [(), (BEYOND,), (BEYOND, (282, 1, 1, 0))])
def test_orientation_is_read_whatever_stands_before_it(
    order: str, others: tuple[tuple[int, int, int, int], ...]
) -> None:
    assert orientation(exif(order, *others, UPRIGHT)) == 6
    assert orientation(exif(order, *others, UPRIGHT)[6:]) == 6


@pytest.mark.parametrize("tags", [(), (BEYOND,), ((0x112, 4, 1, 6),), ((0x112, 3, 2, 6),)])
def test_data_without_an_orientation_have_none(tags: tuple[tuple[int, int, int, int], ...]) -> None:
    assert orientation(exif("<", *tags)) is None


@given(st.binary(max_size=60), st.integers(0, 40))
def test_no_data_end_in_an_error(noise: bytes, cut: int) -> None:
    for data in (noise, exif("<", BEYOND, UPRIGHT)[:cut] + noise, b"II*\0" + noise):
        assert orientation(data) in (None, *range(2**16))
