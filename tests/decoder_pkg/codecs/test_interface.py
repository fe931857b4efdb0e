from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.entropy import new_payload, open_payload, shortest_payload
from decoder_pkg.gains import GAIN_COUNT
from encoder.codecs import coding_setting
from encoder.models import Zoo
from tests.decoder_pkg.pictures import random_picture, same_integers


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([7, 8]),
    st.integers(1, 140),
    st.integers(1, 140),
    st.integers(0, GAIN_COUNT - 1),
    st.integers(1, 255),
    st.sampled_from([0.1, 3.0, 400.0]),
)
def test_decoded_integers_are_encoded_to_the_same_bytes(
    golden_zoo: Zoo, number: int, height: int, width: int, gain: int, q: int, spread: float
) -> None:
    codec, size, setting = golden_zoo.bundle.models[number].codec, (height, width), coding_setting(gain, q)
    picture = random_picture(codec, size, setting, height * 1000 + width, min(spread, q * 100.0))
    coder = new_payload()
    codec.encode(coder, picture.integers, size, setting)
    payload = shortest_payload(coder)
    decoded = codec.decode(open_payload(payload), size, setting)
    assert same_integers(decoded, picture.integers)
    again = new_payload()
    codec.encode(again, decoded, size, setting)
    assert shortest_payload(again) == payload
