"""What every symbol model promises, of all kinds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder_pkg.entropy import (
    Asymmetric,
    BankSymbols,
    Mixture,
    PriorBank,
    ScaledSymbols,
    StaticSymbols,
    SymbolModel,
    mixture_weights,
    new_payload,
    open_payload,
    read_normal_tables,
    read_scale_tables,
    read_static_tables,
    shortest_payload,
)
from decoder_pkg.entropy.scale_tables import LARGEST, SKIPPED
from decoder_pkg.models.bundle import DecoderModel
from decoder_pkg.weight_files import TensorReader
from encoder.codecs import COMPONENTS, NORMAL
from tests.weights import fake_weights
from training.export.tables import normal_tables

READER = DecoderModel(fake_weights({})).reader
SCALES = read_scale_tables(READER)
STATIC = read_static_tables(READER, "hyper_prior", 8)
NORMALS = {shape: read_normal_tables(TensorReader(normal_tables(shape))) for shape in (NORMAL, COMPONENTS)}
Shape = tuple[int, int]


def scaled(rng: np.random.Generator, shape: Shape) -> ScaledSymbols:
    return ScaledSymbols(SCALES, rng.integers(0, len(SCALES.tables), shape).astype(np.uint8))


def static(rng: np.random.Generator, shape: Shape) -> StaticSymbols:
    return STATIC.symbols(int(rng.integers(0, 49)), shape[0])


def mixture(rng: np.random.Generator, shape: Shape) -> Mixture:
    weight = mixture_weights(rng.integers(-2000, 2000, (3, *shape)))
    mean = rng.normal(0, 6000, (3, *shape)).astype(np.int64)
    return Mixture(NORMALS[NORMAL], weight, mean, rng.integers(0, 256, (3, *shape)).astype(np.uint8))


def asymmetric(rng: np.random.Generator, shape: Shape) -> Asymmetric:
    return Asymmetric(NORMALS[COMPONENTS], rng.integers(0, 256, (2, *shape)).astype(np.uint8))


def banked(rng: np.random.Generator, shape: Shape) -> BankSymbols:
    bank = PriorBank([STATIC.tables[octave] for octave in (1, 6, 3)])
    return BankSymbols(bank, rng.integers(0, 3, shape[0]))


Made = Callable[[np.random.Generator, Shape], SymbolModel]
EVERY = pytest.mark.parametrize("made", [scaled, static, banked, mixture, asymmetric])


def symbols_for(model: SymbolModel, rng: np.random.Generator, shape: Shape, spread: float) -> np.ndarray:
    """Symbols of which those that are skipped are zero."""
    values = rng.normal(0, spread, shape).round().astype(np.int32)
    return np.where(model.skipped, np.int32(0), values)


@EVERY
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from([0.5, 4.0, 5000.0]))
def test_symbols_come_back(made: Made, seed: int, rows: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    shape = rows, 8
    model = made(rng, shape)
    symbols = symbols_for(model, rng, shape, spread)
    coder = new_payload()
    model.encode(coder, symbols)
    decoded = model.decode(open_payload(shortest_payload(coder)))
    assert decoded.dtype == np.int32
    assert np.array_equal(decoded, symbols)


@EVERY
@pytest.mark.parametrize("spread", [0.3, 3.0, 300.0])
def test_bits_are_what_the_range_coder_takes(made: Made, spread: float) -> None:
    rng, shape = np.random.default_rng(1), (1000, 8)
    model = made(rng, shape)
    symbols = symbols_for(model, rng, shape, spread)
    coder = new_payload()
    model.encode(coder, symbols)
    bits = model.bits(symbols)
    assert bits.shape == symbols.shape
    assert (bits >= 0).all()
    assert 8 * len(shortest_payload(coder)) == pytest.approx(bits.sum(), rel=1e-3, abs=40)


def test_skipped_symbols_take_no_bits_and_no_bytes() -> None:
    model = ScaledSymbols(SCALES, np.full((500, 8), SKIPPED, dtype=np.uint8))
    assert model.skipped.all()
    zeros = np.zeros((500, 8), dtype=np.int32)
    assert model.bits(zeros).sum() == 0
    coder = new_payload()
    model.encode(coder, zeros)
    assert shortest_payload(coder) == b""
    assert np.array_equal(model.decode(open_payload(b"")), zeros)


@EVERY
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_savings_are_the_bits_that_the_next_symbol_towards_zero_takes_less(made: Made, seed: int) -> None:
    rng, shape = np.random.default_rng(seed), (40, 8)
    model = made(rng, shape)
    symbols = rng.integers(1 - LARGEST, LARGEST, shape).astype(np.int32)
    nearer = symbols - np.sign(symbols)
    saved, expected = model.savings(symbols), model.bits(symbols) - model.bits(nearer)
    assert saved.dtype == np.float32
    assert np.allclose(saved[~model.skipped], expected[~model.skipped], atol=1e-4)
    assert (saved[symbols == 0] == 0).all()


def test_symbols_beyond_the_largest_save_nothing_under_scales() -> None:
    model = ScaledSymbols(SCALES, np.full((1, 4), 30, dtype=np.uint8))
    assert model.savings(np.array([[LARGEST, -LARGEST, 999, 0]], dtype=np.int32)).tolist() == [[0, 0, 0, 0]]


def test_static_tables_are_those_of_the_nearest_octave() -> None:
    for gain, octave in ((0, 0), (3, 0), (4, 1), (11, 1), (12, 2), (44, 6), (48, 6)):
        assert STATIC.symbols(gain, 1).tables is STATIC.tables[octave]


def test_skipped_symbols_of_mixtures_take_no_bits_and_no_bytes() -> None:
    shape = 500, 8
    narrow = np.zeros((3, *shape), dtype=np.uint8)
    means = np.zeros((3, *shape), dtype=np.int64)
    model = Mixture(NORMALS[NORMAL], mixture_weights(means), means, narrow)
    assert model.skipped.all()
    coder = new_payload()
    model.encode(coder, np.zeros(shape, dtype=np.int32))
    assert shortest_payload(coder) == b""
    assert not model.decode(open_payload(b"")).any()
    assert not Mixture(NORMALS[NORMAL], mixture_weights(means), means + 1500, narrow).skipped.any()
