from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.errors import InvalidHeader, TruncatedArchive
from decoder_pkg.stream.wire import Reader, varint


@given(st.integers(0, 2**32 - 1))
def test_varint_does_not_lose_values(value: int) -> None:
    reader = Reader(varint(value))
    assert reader.varint() == value
    assert reader.left == 0


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\x80\x00", b"\xff\xff\xff\xff\x1f", b"\x80\x80\x80\x80\x80\x01"])
def test_varint_with_two_spellings_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidHeader):
        Reader(data).varint()


def test_reading_past_the_end_is_refused() -> None:
    reader = Reader(b"abc")
    assert reader.take(2) == b"ab"
    with pytest.raises(TruncatedArchive):
        reader.take(2)
    with pytest.raises(TruncatedArchive):
        Reader(b"\x80").varint()
