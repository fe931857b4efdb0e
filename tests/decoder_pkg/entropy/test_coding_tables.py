from __future__ import annotations

import constriction
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.entropy.coding_tables import PRECISION, build_table, decode_values, encode_values
from decoder_pkg.entropy.scale_tables import BIN_OCTAVES
from decoder_pkg.errors import WeightsError
from encoder.codecs.likelihoods import COMPONENTS, DEAD_ZONE, LOG2_SIGMA_MIN, latent_likelihood
from training.export.tables import gaussian_tables, integer_frequencies

TABLE = build_table(np.array([2**20, 2**22, 2**24 - 2**20 - 2**22 - 2**10 - 16, 2**9, 2**9, 16], dtype=np.uint32), 3)


@given(st.lists(st.one_of(st.integers(-4, 8), st.integers(-60000, 60000)), max_size=60))
def test_values_survive_with_and_without_escapes(values: list[int]) -> None:
    array = np.array(values, dtype=np.int32)
    coder = constriction.stream.queue.RangeEncoder()
    encode_values(coder, TABLE, array)
    decoder = constriction.stream.queue.RangeDecoder(coder.get_compressed())
    assert np.array_equal(decode_values(decoder, TABLE, len(values)), array)
    assert decoder.maybe_exhausted()


def test_value_beyond_an_escape_is_refused_by_the_encoder() -> None:
    with pytest.raises(ValueError, match="escape"):
        encode_values(constriction.stream.queue.RangeEncoder(), TABLE, np.array([2**20], dtype=np.int32))


@pytest.mark.parametrize("scale_bin", [0, 10, 40, 100, 255])
def test_coded_size_is_the_entropy(scale_bin: int) -> None:
    arrays = gaussian_tables()
    sizes = 2 * arrays["gaussian.support"].astype(int) + 2
    starts = np.concatenate([[0], np.cumsum(sizes)])
    number = int(arrays["gaussian.table_of_bin"][scale_bin])
    frequency = arrays["gaussian.frequency"][starts[number] : starts[number + 1]].astype(np.uint32)
    table = build_table(frequency)
    rng = np.random.default_rng(scale_bin)
    shares, widths = zip(*COMPONENTS, strict=True)
    sigma = 2 ** (LOG2_SIGMA_MIN + scale_bin * BIN_OCTAVES) * rng.choice(widths, 200_000, p=shares)
    residuals = rng.normal(0, sigma)
    values = (np.sign(residuals) * np.floor(np.abs(residuals) + 0.5 - DEAD_ZONE).clip(min=0)).astype(np.int32)
    coder = constriction.stream.queue.RangeEncoder()
    encode_values(coder, table, values)
    assert coder.num_bits() <= table.bits(values).sum() * 1.0005 + 64
    share = np.bincount(values - values.min()) / len(values)
    entropy = -(share[share > 0] * np.log2(share[share > 0])).sum() * len(values)
    assert table.bits(values).sum() <= entropy * 1.01 + 64


def test_sharing_a_table_costs_less_than_half_a_percent_anywhere() -> None:
    arrays = gaussian_tables()
    supports, table_of_bin = arrays["gaussian.support"].astype(int), arrays["gaussian.table_of_bin"]
    assert sorted(set(table_of_bin.tolist())) == list(range(64))
    assert np.all(np.diff(table_of_bin.astype(int)) >= 0)
    starts = np.concatenate([[0], np.cumsum(2 * supports + 2)])
    for scale_bin in range(256):
        number = int(table_of_bin[scale_bin])
        sigma, support = 2 ** (LOG2_SIGMA_MIN + scale_bin * BIN_OCTAVES), supports[number]
        values = torch.arange(-support, support + 1).double()
        mass = latent_likelihood(values, torch.full_like(values, float(np.log2(sigma)))).numpy()
        shared = arrays["gaussian.frequency"][starts[number] : starts[number] + 2 * support + 1] / 2**PRECISION
        entropy = -(mass * np.log2(mass.clip(min=1e-300))).sum()
        assert -(mass * np.log2(shared)).sum() <= entropy * 1.005 + 1e-4


def test_coder_uses_exactly_the_stored_frequencies() -> None:
    """A table that the library rounded would cost a different number of bits."""
    frequency = np.array([1, 3, 2**24 - 20, 16], dtype=np.uint32)
    table = build_table(frequency)
    for symbol, count in enumerate(frequency[:3]):
        coder = constriction.stream.queue.RangeEncoder()
        coder.encode(np.full(4000, symbol, dtype=np.int32), table.model)
        expected = 4000 * (PRECISION - np.log2(float(count)))
        assert abs(coder.num_bits() - expected) <= 64 + 1e-5 * expected


@pytest.mark.parametrize("frequency", [[2**24], [2**23, 2**23], [0, 2**23, 2**22, 2**22], [2**22] * 5, [2**23] * 4])
def test_table_that_cannot_be_coded_is_refused(frequency: list[int]) -> None:
    with pytest.raises(WeightsError):
        build_table(np.array(frequency, dtype=np.uint32))


@given(st.lists(st.floats(0, 1), min_size=3, max_size=99).filter(lambda m: sum(m) > 0))
def test_frequencies_are_positive_and_complete(mass: list[float]) -> None:
    odd = mass if len(mass) % 2 else mass[1:] if sum(mass[1:]) > 0 else [*mass, 0.0]
    frequency = integer_frequencies(np.array(odd), 0.0)
    assert frequency.min() >= 1
    assert frequency.astype(np.int64).sum() == 2**24
