from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.entropy import UniformSymbols, new_payload, open_payload, shortest_payload


def payload_of(model: UniformSymbols, symbols: np.ndarray) -> bytes:
    coder = new_payload()
    model.encode(coder, symbols)
    return shortest_payload(coder)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.sampled_from([2, 3, 200, 256, 2**16]))
def test_symbols_come_back(seed: int, count: int, size: int) -> None:
    symbols = np.random.default_rng(seed).integers(0, size, (count, 1)).astype(np.int32)
    model = UniformSymbols(count, size)
    decoded = model.decode(open_payload(payload_of(model, symbols)))
    assert decoded.dtype == np.int32
    assert np.array_equal(decoded, symbols)
    assert not model.skipped.any()
    assert model.skipped.shape == symbols.shape


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("count", [1, 4, 1000, 200_001])
def test_bytes_take_a_byte_each(count: int, value: int) -> None:
    symbols = np.random.default_rng(count).integers(0, 256, (count, 1)).astype(np.int32)
    symbols[-1] = value
    model = UniformSymbols(count, 256)
    assert model.bits(symbols).sum() == 8 * count
    assert len(payload_of(model, symbols)) <= count + 4


@pytest.mark.parametrize("value", [-1, 256])
def test_symbol_out_of_range_is_refused_not_coded_as_another(value: int) -> None:
    with pytest.raises(ValueError, match="outside 0 to 255"):
        UniformSymbols(2, 256).encode(new_payload(), np.array([[3], [value]], dtype=np.int32))
