from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from PIL import features

from decoder_pkg.codecs import Integers
from decoder_pkg.codecs.av1 import Av1Codec, av1_integers
from decoder_pkg.codecs.av1.codec import DATA, LENGTH
from decoder_pkg.decoder import decode_archive, decode_entry
from decoder_pkg.entropy import new_payload, open_payload, shortest_payload
from decoder_pkg.errors import CorruptPayload, MissingCodec
from decoder_pkg.models import Bundle
from decoder_pkg.pixels import render
from decoder_pkg.pixels.filters import FilterChain, FilterLink
from decoder_pkg.pixels.filters.linear import LinearFilter, LinearParameters
from decoder_pkg.stream import entry_size
from encoder.models import Zoo
from tests.decoder_pkg.codecs.av1.files import avif_of, data_of, decoded_by_pillow, drawing, noise
from tests.decoder_pkg.codecs.av1.streams import BUNDLE, MODEL, PLAIN, entry_of
from tests.streams import archive_of

CODEC = BUNDLE.models[MODEL].codec
DATA_OF_NOISE = data_of(avif_of(noise(50, 70)))
FRAME = DATA_OF_NOISE.index(b"\x32", 2)
"""Where the frame begins."""


PICTURES = {
    "noise": noise(50, 70),
    "flat": np.full((40, 60, 3), 90, np.uint8),
    "two colours": np.where(np.indices((64, 48)).sum(0)[..., None] % 16 < 8, np.uint8(0), np.uint8(255)).repeat(3, 2),
    "one pixel": noise(1, 1),
    "one pixel high": noise(1, 300),
    "one pixel wide": noise(130, 1),
    "drawing": drawing(100, 230),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_picture_is_the_one_that_pillow_decodes(name: str, subsampling: str) -> None:
    file = avif_of(PICTURES[name], subsampling=subsampling)
    pixels = decode_entry(BUNDLE, entry_of(av1_integers(data_of(file)), PICTURES[name].shape[:2]))
    assert np.array_equal(pixels, decoded_by_pillow(file))


@pytest.mark.parametrize("name", PICTURES)
def test_integers_survive_and_take_their_bytes_alone(name: str) -> None:
    size, data = PICTURES[name].shape[:2], data_of(avif_of(PICTURES[name]))
    integers, coder = av1_integers(data), new_payload()
    CODEC.encode(coder, integers, size, PLAIN)
    payload = shortest_payload(coder)
    assert len(data) <= len(payload) <= len(data) + 7  # the length, and what the last word may lack
    assert entry_size(entry_of(integers, size)) <= len(data) + 30
    decoded = CODEC.decode(open_payload(payload), size, PLAIN)
    assert list(decoded) == [LENGTH, DATA]
    assert all(np.array_equal(decoded[grid], integers[grid]) for grid in decoded)
    assert decoded[DATA].astype(np.uint8).tobytes() == data


def test_tiles_of_a_picture_join_without_seams_also_under_a_filter(
    filtered_zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_filter = filtered_zoo.bundle.filters[0].filter
    assert isinstance(post_filter, LinearFilter)
    coefficients = np.random.default_rng(1).integers(-9, 10, len(post_filter.basis)).astype(np.int32)
    chain = FilterChain({0: FilterLink(post_filter, LinearParameters(30, coefficients, 24))})
    bundle, integers = Bundle(BUNDLE.models, filtered_zoo.bundle.filters), av1_integers(DATA_OF_NOISE)
    entry = entry_of(integers, (50, 70), chain)
    whole = decode_entry(bundle, entry)
    assert not np.array_equal(whole, decode_entry(bundle, entry_of(integers, (50, 70))))
    monkeypatch.setattr(render, "TILE", 2)
    assert np.abs(decode_entry(bundle, entry).astype(int) - whole).max() <= 1


def refused(integers: Integers, size: tuple[int, int], message: str) -> None:
    with pytest.raises(CorruptPayload, match=message):
        decode_entry(BUNDLE, entry_of(integers, size))


def with_length(data: bytes, length: int) -> Integers:
    integers = dict(av1_integers(data))
    integers[LENGTH] = av1_integers(bytes(length))[LENGTH]
    return integers


def test_other_size_than_the_header_s_is_refused() -> None:
    refused(av1_integers(DATA_OF_NOISE), (50, 71), "is a picture of 70x50, not 71x50")
    refused(av1_integers(DATA_OF_NOISE), (70, 50), "is a picture of 70x50, not 50x70")


def test_length_beyond_what_the_picture_may_have_is_refused_before_anything_is_read() -> None:
    refused(with_length(b"1", 2**20), (50, 70), "1048576 bytes of AV1 data are more")


@pytest.mark.parametrize("length", [0, 1, len(DATA_OF_NOISE) - 1, len(DATA_OF_NOISE) + 1])
def test_length_that_is_not_the_data_s_is_refused(length: int) -> None:
    refused(with_length(DATA_OF_NOISE, length), (50, 70), "AV1 ")


def test_frame_that_is_none_is_refused_by_name() -> None:
    for content in (b"\xff" * 40, bytes(39) + b"\1"):
        data = DATA_OF_NOISE[:FRAME] + b"\x32" + bytes([len(content)]) + content
        refused(av1_integers(data), (50, 70), "Pillow cannot decode")


def test_frame_with_any_bit_flipped_is_a_picture_or_a_named_error() -> None:
    rng = np.random.default_rng(1)
    for place in rng.integers(FRAME + 3, len(DATA_OF_NOISE), 40):
        data = bytearray(DATA_OF_NOISE)
        data[place] ^= 1 << int(rng.integers(8))
        with contextlib.suppress(CorruptPayload):
            assert decode_entry(BUNDLE, entry_of(av1_integers(bytes(data)), (50, 70))).shape == (50, 70, 3)


def test_pillow_without_avif_costs_the_picture_alone_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(feature: str) -> bool:
        return feature != "avif"

    monkeypatch.setattr(features, "check", check)
    archive = archive_of(BUNDLE, entry_of(av1_integers(DATA_OF_NOISE), (50, 70)))
    (decoded,) = decode_archive(BUNDLE, archive)
    assert decoded.pixels is None
    assert isinstance(decoded.error, MissingCodec)
    assert "install Pillow 11.3 or later" in str(decoded.error)


@pytest.mark.parametrize("size", [(49, 70), (51, 70)])
def test_decoder_that_yields_another_size_is_not_trusted(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = avif_of(noise(*size))

    def file(*_: Any) -> bytes:
        return other

    monkeypatch.setattr("decoder_pkg.codecs.av1.codec.avif_file", file)
    refused(av1_integers(DATA_OF_NOISE), (50, 70), f"decodes to 70x{size[0]}, not 70x50")


def test_data_longer_than_three_bytes_tell_is_the_caller_s_error() -> None:
    with pytest.raises(OverflowError):
        av1_integers(bytes(2**24))


def test_weights_without_tensors_are_a_model() -> None:
    assert isinstance(CODEC, Av1Codec)
    CODEC.build()
    CODEC.place("cpu")
