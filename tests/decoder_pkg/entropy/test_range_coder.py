from __future__ import annotations

import constriction
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.entropy.range_coder import new_payload, open_payload, payload_words, shortest_payload
from decoder_pkg.errors import CorruptPayload


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 2**16 - 1), max_size=40), st.sampled_from([1, 2**6, 2**16]))
def test_shortened_payload_still_holds_every_symbol(values: list[int], alphabet: int) -> None:
    coder = new_payload()
    uniform = constriction.stream.model.Uniform(max(2, alphabet))
    symbols = np.array(values, dtype=np.int32) % alphabet
    coder.encode(symbols, uniform)
    payload = shortest_payload(coder)
    assert len(payload) <= len(coder.get_compressed()) * 4
    assert 8 * len(payload) <= len(symbols) * np.log2(max(2, alphabet)) + 33
    assert np.array_equal(open_payload(payload).decode(uniform, len(symbols)), symbols)


def test_trailing_zero_bytes_need_not_be_stored() -> None:
    assert payload_words(b"\x01").tolist() == payload_words(b"\x01\0\0\0").tolist() == [1 << 24]


@pytest.mark.parametrize("payload", [b"\0", b"\x01\0", b"abcd\0\0\0\0"])
def test_payload_with_bytes_that_mean_nothing_is_refused(payload: bytes) -> None:
    with pytest.raises(CorruptPayload, match="zero byte"):
        open_payload(payload)
