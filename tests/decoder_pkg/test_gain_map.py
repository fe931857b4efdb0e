from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.codecs import LATENTS, CodingSetting
from decoder_pkg.entropy import PRECISION, Coder, encode_values, new_payload, open_payload, shortest_payload
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.gain_map import difference_table, read_gain_map, write_gain_map
from decoder_pkg.gains import GAIN_COUNT, GainField
from decoder_pkg.grids import hyper_grid, latent_size
from decoder_pkg.pixels.filters.interface import FilterChain
from decoder_pkg.pixels.render import assemble
from encoder.models import Zoo

gains = st.integers(0, GAIN_COUNT - 1)


def coded(field: GainField) -> Coder:
    coder = new_payload()
    write_gain_map(coder, field)
    return coder


@settings(deadline=None, max_examples=100)
@given(st.data(), st.integers(1, 300), st.integers(1, 300), gains)
def test_gain_map_comes_back(data: Any, height: int, width: int, base: int) -> None:
    cells = hyper_grid(*latent_size(height, width))
    count = cells[0] * cells[1]
    drawn = data.draw(st.lists(gains, min_size=count, max_size=count))
    field = GainField(base, np.array(drawn, dtype=np.int32).reshape(cells))
    read = read_gain_map(open_payload(shortest_payload(coded(field))), base, (height, width))
    assert read.base == base
    assert field.map is not None
    assert read.map is not None
    assert read.map.dtype == np.int32
    assert np.array_equal(read.map, field.map)


@pytest.mark.parametrize("steps", [[-1], [49], [48, 1], [3, -4], [60000], [-60000, 60000]])
def test_map_that_leaves_the_gains_is_refused(steps: list[int]) -> None:
    coder = new_payload()
    differences = np.zeros(4, dtype=np.int32)
    differences[: len(steps)] = steps
    encode_values(coder, difference_table(), differences)
    with pytest.raises(CorruptPayload, match="gain map"):
        read_gain_map(open_payload(shortest_payload(coder)), 0, (128, 128))


def test_every_difference_has_a_symbol_and_none_takes_one_bit() -> None:
    table = difference_table()
    assert table.support >= GAIN_COUNT - 1
    bits = table.bits(np.arange(-GAIN_COUNT + 1, GAIN_COUNT, dtype=np.int32))
    assert bits[GAIN_COUNT - 1] == pytest.approx(1, abs=1e-3)
    assert bits.max() <= PRECISION
    assert np.allclose(bits, bits[::-1])


def test_flat_map_takes_a_bit_for_each_cell() -> None:
    field = GainField(30, np.full((20, 30), 30, dtype=np.int32))
    assert len(shortest_payload(coded(field))) <= 600 / 8 + 1


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("gain", [0, 23, 48])
def test_map_with_one_gain_everywhere_gives_the_pixels_of_none(golden_zoo: Zoo, number: int, gain: int) -> None:
    codec, size = golden_zoo.bundle.models[number].codec, (100, 149)
    integers = {LATENTS: np.random.default_rng(1).integers(-9000, 9000, (7, 10, 16)).astype(np.int32)}
    one, other = (
        assemble(codec.synthesise(integers, CodingSetting(field, 128), 0), *size, FilterChain())
        for field in (GainField(gain), GainField(0, np.full((2, 3), gain, dtype=np.int32)))
    )
    assert np.array_equal(one, other)


def test_map_reaches_the_pixels_of_its_cell_and_no_far_ones(golden_zoo: Zoo) -> None:
    codec, size = golden_zoo.bundle.models[7].codec, (64, 256)
    integers = {LATENTS: np.random.default_rng(1).integers(-9000, 9000, (4, 16, 16)).astype(np.int32)}
    one, other = (
        assemble(codec.synthesise(integers, CodingSetting(GainField(24, np.array(row)), 128), 0), *size, FilterChain())
        for row in (np.array([[24, 24, 24, 24]], np.int32), np.array([[16, 24, 24, 24]], np.int32))
    )
    assert not np.array_equal(one[:, :64], other[:, :64])
    assert np.array_equal(one[:, 160:], other[:, 160:])


@pytest.mark.parametrize(
    ("rows", "columns"), [(slice(None), slice(None)), (slice(0, 4), slice(3, 6)), (slice(3, 5), slice(0, 1))]
)
def test_part_of_a_map_is_what_its_cells_say(rows: slice, columns: slice) -> None:
    cells = np.array([[1, 2], [3, 4]], dtype=np.int32)
    whole = np.array([[cells[row // 4, column // 4] for column in range(8)] for row in range(8)])
    assert np.array_equal(GainField(0, cells).at(rows, columns), whole[rows, columns])
    assert GainField(5).at(rows, columns) == 5
