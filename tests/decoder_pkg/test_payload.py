from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.codecs import HYPER_LATENTS, LATENTS
from decoder_pkg.entropy import Coder, decode_uniform, encode_uniform, new_payload, open_payload, shortest_payload
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.gains import GAIN_COUNT, GainField
from decoder_pkg.payload import (
    DecodedPayload,
    SideInformation,
    checksum,
    decode_payload,
    read_side_information,
    write_side_information,
)
from decoder_pkg.pixels.filters.interface import FilterChain, FilterLink, PostFilter
from decoder_pkg.weight_files import TensorFile
from encoder.codecs import coding_setting
from encoder.coding import encode_payload
from encoder.models import Zoo
from tests.decoder_pkg.pictures import header_of, random_picture, same_integers

PLAIN = FilterChain()


def plain(gain: int) -> SideInformation:
    return SideInformation(GainField(gain), PLAIN)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([7, 8]),
    st.integers(1, 140),
    st.integers(1, 140),
    st.integers(0, GAIN_COUNT - 1),
    st.integers(1, 255),
    st.sampled_from([0.1, 3.0, 400.0]),
)
def test_integers_survive_any_context_size_gain_and_step(
    golden_zoo: Zoo, number: int, height: int, width: int, gain: int, q: int, spread: float
) -> None:
    codec, size, setting = golden_zoo.bundle.models[number].codec, (height, width), coding_setting(gain, q)
    picture = random_picture(codec, size, setting, height * 1000 + width, min(spread, q * 100.0))
    payload = encode_payload(picture, plain(gain))
    decoded = decode_payload(codec, payload, header_of(size, setting), {})
    assert same_integers(decoded.integers, picture.integers)
    assert decoded.side == plain(gain)


@pytest.mark.parametrize("number", [7, 8])
def test_real_bytes_are_the_ideal_bits(golden_zoo: Zoo, number: int) -> None:
    picture = random_picture(golden_zoo.bundle.models[number].codec, (480, 640), coding_setting(24, 128))
    size = len(encode_payload(picture, plain(24)))
    # The last interval may by luck hold a number of fewer bytes.
    assert picture.ideal_bits / 8 - 2 <= size <= picture.ideal_bits / 8 * 1.0005 + 2


@pytest.mark.parametrize("number", [7, 8])
def test_checksum_tells_padding_and_any_other_integers(golden_zoo: Zoo, number: int) -> None:
    picture = random_picture(golden_zoo.bundle.models[number].codec, (96, 128), coding_setting(24, 128))
    payload, integers = encode_payload(picture, plain(24)), picture.integers
    honest = checksum(payload, integers)
    assert checksum(payload + b"\0", integers) != honest
    for name, place in ((LATENTS, (3, 4, 5)), (HYPER_LATENTS, (1, 0, 5))):
        for value in (1, -1, 256):
            other = integers[name].copy()
            other[place] += value
            changed = {**integers, name: other}
            assert checksum(payload, changed) != honest
            assert DecodedPayload(plain(24), changed).sha256 != DecodedPayload(plain(24), integers).sha256


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([7, 8]),
    st.binary(max_size=300),
    st.integers(0, GAIN_COUNT - 1),
    st.integers(1, 255),
    st.integers(0, 3),
)
def test_any_bytes_end_in_integers_or_a_named_error(
    filtered_zoo: Zoo, number: int, payload: bytes, gain: int, q: int, records: int
) -> None:
    bundle = filtered_zoo.bundle
    header = header_of((41, 60), coding_setting(gain, q), records)
    with contextlib.suppress(CorruptPayload):
        decoded = decode_payload(bundle.models[number].codec, payload, header, bundle.post_filters)
        assert decoded.integers[LATENTS].shape == (3, 4, 16)
        assert decoded.side.records == records


class Toy(PostFilter[int]):
    """Adds its parameter to a picture and doubles it: the order in which two of them are applied shows."""

    name = "toy"
    reach = 3

    def __init__(self, file: TensorFile) -> None:
        pass

    def read(self, coder: Coder, gain: int) -> int:
        return decode_uniform(coder, 1000 + gain)

    def write(self, coder: Coder, parameters: int, gain: int) -> None:
        encode_uniform(coder, parameters, 1000 + gain)

    def apply(self, picture: torch.Tensor, parameters: int) -> torch.Tensor:
        return 2 * (picture + parameters)


def toys(*numbers: int) -> dict[int, Toy]:
    return {number: Toy(TensorFile({}, {})) for number in numbers}


def chain_of(filters: Mapping[int, Toy], parameters: Mapping[int, int]) -> FilterChain:
    """The filters that have parameters, in the order of the bundle."""
    return FilterChain({n: FilterLink(filters[n], parameters[n]) for n in filters if n in parameters})


def test_records_of_two_filters_are_stored_by_rising_id_and_applied_in_the_order_of_the_bundle() -> None:
    filters = toys(5, 2)
    side = SideInformation(GainField(8), chain_of(filters, {2: 7, 5: 400}))
    coder = new_payload()
    write_side_information(coder, side)
    payload = shortest_payload(coder)
    raw = open_payload(payload)
    assert [decode_uniform(raw, 1008), decode_uniform(raw, 1008)] == [7, 400]
    header = header_of((16, 16), coding_setting(8, 128), side.records)
    assert header.filters == [2, 5]
    read = read_side_information(open_payload(payload), header, filters)
    assert list(read.filters.links) == [5, 2]
    assert read.filters == side.filters
    assert read.filters.reach == 6
    assert read.filters.apply(torch.zeros(3, 1, 1)).flatten().tolist() == [2 * (2 * 400 + 7)] * 3
    assert header.records == read.records == 0b1001000


def test_filter_that_is_off_has_no_record_and_is_not_applied() -> None:
    filters = toys(0, 1)
    side = SideInformation(GainField(8), chain_of(filters, {1: 9}))
    coder = new_payload()
    write_side_information(coder, side)
    header = header_of((16, 16), coding_setting(8, 128), side.records)
    read = read_side_information(open_payload(shortest_payload(coder)), header, filters)
    assert list(read.filters.links) == [1]
    assert read.filters.apply(torch.zeros(3, 1, 1)).flatten().tolist() == [18] * 3


@pytest.mark.parametrize(("records", "missing"), [(0b10, 0), (0b110, 0), (0b100010000, 7)])
def test_filter_that_the_bundle_lacks_is_named(records: int, missing: int) -> None:
    header = header_of((16, 16), coding_setting(8, 128), records)
    with pytest.raises(CorruptPayload, match=rf"filter {missing}; the bundle has \[1, 3\]"):
        read_side_information(open_payload(b""), header, toys(3, 1))


def test_gain_map_comes_before_the_filters_and_the_integers(golden_zoo: Zoo) -> None:
    codec, size, filters = golden_zoo.bundle.models[8].codec, (100, 130), toys(0)
    gain = GainField(20, np.array([[20, 21, 19], [48, 0, 20]], dtype=np.int32))
    side, setting = SideInformation(gain, chain_of(filters, {0: 3})), coding_setting(20, 128)
    picture = random_picture(codec, size, setting)
    payload = encode_payload(picture, side)
    assert side.records == 0b11
    decoded = decode_payload(codec, payload, header_of(size, setting, side.records), filters)
    assert same_integers(decoded.integers, picture.integers)
    assert decoded.side.filters == side.filters
    assert gain.map is not None
    assert decoded.side.gain.map is not None
    assert np.array_equal(decoded.side.gain.map, gain.map)
    assert decoded.side.gain.base == 20
