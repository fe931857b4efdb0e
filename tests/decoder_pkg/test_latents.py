from __future__ import annotations

import contextlib
from functools import partial

import constriction
import numpy as np
from decoder_pkg.codecs.hyperprior.causal import code_causal, raster
from decoder_pkg.codecs.hyperprior.payload import checksum, decode_payload, payload_words
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.errors import CorruptPayload
from decoder_pkg.grids import hyper_grid
from encoder.coding.payload import encode_payload, ideal_bits, quantise, shortest_payload
from encoder.weights import Zoo

LATENTS, HYPER = 16, 8


def random_latents(rng: np.random.Generator, height: int, width: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    y = rng.normal(0, size, (height, width, LATENTS)).astype(np.float32)
    z = rng.normal(0, size / 3, (*hyper_grid(height, width), HYPER)).astype(np.float32)
    return y, z


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([7, 8]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 48),
    st.integers(1, 255),
    st.sampled_from([0.1, 3.0, 400.0]),
)
def test_latents_survive_any_context_size_gain_and_step(
    golden_zoo: Zoo, number: int, height: int, width: int, gain: int, q: int, size: float
) -> None:
    model = golden_zoo.bundle.models[number].entropy
    rng = np.random.default_rng(height * 1000 + width * 100 + gain)
    quantised = quantise(model, *random_latents(rng, height, width, min(size, q * 100.0)), q)
    payload = encode_payload(model, quantised, gain)
    assert np.array_equal(decode_payload(model, payload, height, width, gain, q).latents, quantised.latents)


def test_real_bytes_are_the_ideal_bits(golden_zoo: Zoo) -> None:
    model = golden_zoo.bundle.models[7].entropy
    quantised = quantise(model, *random_latents(np.random.default_rng(1), 30, 40, 2.0), 128)
    payload = encode_payload(model, quantised, 24)
    assert ideal_bits(model, quantised, 24) / 8 <= len(payload) <= ideal_bits(model, quantised, 24) / 8 * 1.0005 + 2


def test_stream_read_in_another_order_is_not_taken_for_the_picture(golden_zoo: Zoo) -> None:
    model = golden_zoo.bundle.models[7].entropy
    quantised = quantise(model, *random_latents(np.random.default_rng(2), 6, 8, 2.0), 128)
    payload = encode_payload(model, quantised, 24)
    try:
        decoded = decode_payload(model, payload, 6, 8, 24, 128, walk=partial(code_causal, order=raster)).latents
    except CorruptPayload:
        return
    assert not np.array_equal(decoded, quantised.latents)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 2**16 - 1), max_size=40), st.sampled_from([1, 2**6, 2**16]))
def test_shortened_payload_still_holds_every_symbol(values: list[int], alphabet: int) -> None:
    coder = constriction.stream.queue.RangeEncoder()
    uniform = constriction.stream.model.Uniform(max(2, alphabet))
    symbols = np.array(values, dtype=np.int32) % alphabet
    coder.encode(symbols, uniform)
    payload = shortest_payload(coder)
    assert len(payload) <= len(coder.get_compressed()) * 4
    assert 8 * len(payload) <= len(symbols) * np.log2(max(2, alphabet)) + 33
    decoder = constriction.stream.queue.RangeDecoder(payload_words(payload))
    assert np.array_equal(decoder.decode(uniform, len(symbols)), symbols)


def test_checksum_tells_padding_and_any_other_latents(golden_zoo: Zoo) -> None:
    model = golden_zoo.bundle.models[7].entropy
    quantised = quantise(model, *random_latents(np.random.default_rng(3), 6, 8, 2.0), 128)
    payload = encode_payload(model, quantised, 24)
    honest = checksum(payload, quantised.latents)
    assert checksum(payload + b"\0", quantised.latents) != honest
    for value in (1, -1, 256):
        other = quantised.latents.copy()
        other[3, 4, 5] += value
        assert checksum(payload, other) != honest


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300), st.integers(0, 48), st.integers(1, 255))
def test_any_bytes_end_in_latents_or_a_named_error(golden_zoo: Zoo, payload: bytes, gain: int, q: int) -> None:
    model = golden_zoo.bundle.models[7].entropy
    with contextlib.suppress(CorruptPayload):
        assert decode_payload(model, payload, 3, 4, gain, q).latents.shape == (3, 4, LATENTS)


def test_trailing_zero_bytes_need_not_be_stored() -> None:
    assert payload_words(b"\x01").tolist() == payload_words(b"\x01\0\0\0").tolist() == [1 << 24]
