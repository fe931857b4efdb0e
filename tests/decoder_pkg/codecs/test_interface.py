from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.codecs import HYPER_LATENTS, LATENTS
from decoder_pkg.entropy import CodingStep, Grid, new_payload, open_payload, shortest_payload
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


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("size", [(1, 1), (16, 64), (65, 17), (200, 131)])
def test_walk_goes_through_every_integer_once_and_grid_by_grid(
    golden_zoo: Zoo, number: int, size: tuple[int, int]
) -> None:
    codec, setting = golden_zoo.bundle.models[number].codec, coding_setting(24, 128)
    grids = codec.grids(size)
    visits = {name: np.zeros((*shape.plane, shape.channels), dtype=int) for name, shape in grids.items()}
    order: list[str] = []

    def exchange(step: CodingStep) -> Grid:
        np.add.at(visits[step.grid].reshape(-1, step.mean.shape[1]), step.rows, 1)
        if step.grid not in order[-1:]:
            order.append(step.grid)
        return np.zeros(step.mean.shape, dtype=np.int32)

    integers = codec.walk(size, setting, exchange)
    assert order == list(grids) == list(integers) == [HYPER_LATENTS, LATENTS]
    assert all((visited == 1).all() for visited in visits.values())
    assert all(integers[name].shape == visits[name].shape for name in grids)
    assert all(integers[name].dtype == np.int32 for name in grids)
