from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from decoder_pkg.entropy import Q_ONE, ScaledSymbols, read_scale_tables
from decoder_pkg.entropy.scale_tables import LARGEST
from encoder.candidates import Candidate
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture
from encoder.coding import analysed_picture as encoding
from encoder.coding.analysed_picture import seen_shares
from encoder.coding.rounding import ERROR_BITS, nearest, rdoq
from encoder.models import Zoo, load_zoo

ONE = np.ones(1, dtype=np.float32)
TABLES = read_scale_tables(load_zoo().models[1].decoder.reader)
SAVED = TABLES.savings


def symbols_of(tables: NDArray[np.generic]) -> ScaledSymbols:
    return ScaledSymbols(TABLES, tables.astype(np.uint8))


def cost(candidate: Candidate, gain: int) -> float:
    """The Lagrangian in bits at the multiplier of the gain."""
    return 8 * len(candidate.payload) + 0.0004 * 2 ** (gain / 8) / 3 * candidate.squared_error


@given(st.lists(st.floats(-40, 40, width=32), min_size=1, max_size=20), st.integers(0, len(SAVED) - 1))
def test_rounding_picks_the_cheaper_of_the_nearest_and_the_next_towards_zero(values: list[float], table: int) -> None:
    residuals, model = np.array(values, dtype=np.float32), symbols_of(np.full(len(values), table))
    close, chosen = nearest(residuals, model, ONE), rdoq(Q_ONE)(residuals, model, ONE)
    for value, near, symbol in zip(residuals.tolist(), close.tolist(), chosen.tolist(), strict=True):
        smaller = near - int(np.sign(near))
        saved = float(SAVED[table, min(abs(near), LARGEST)])
        lost = ERROR_BITS * ((value - smaller) ** 2 - (value - near) ** 2)
        if abs(saved - lost) > 1e-3:
            assert symbol == (smaller if saved > lost else near)


def test_latents_of_which_little_is_seen_are_rounded_down_further() -> None:
    residuals, model = np.full((3, 1), 2.6, dtype=np.float32), symbols_of(np.full((3, 1), 16))
    weight = np.array([[1.0], [0.06], [0.001]], dtype=np.float32)
    symbols = rdoq(Q_ONE)(residuals, model, weight).reshape(-1).tolist()
    assert symbols[0] > symbols[1] > symbols[2] == 0


@pytest.mark.parametrize("gain", [8, 32])
def test_what_is_cut_off_is_not_paid_for_like_the_picture(gain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row and one column more open a cell of 16 each."""
    photo = np.ascontiguousarray(skimage.data.rocket()[:257, 100:357])
    picture = AnalysedPicture(photo, load_zoo().models[1])
    aware, _ = picture.encode(coding_setting(gain, Q_ONE))
    monkeypatch.setattr(encoding, "seen_shares", lambda height, width: None)
    blind, _ = picture.encode(coding_setting(gain, Q_ONE))
    assert len(aware.payload) < 0.98 * len(blind.payload)
    assert cost(aware, gain) < cost(blind, gain)


@pytest.mark.parametrize(("size", "corner"), [((32, 48), 1.0), ((17, 40), 1 / 32), ((1, 1), 1 / 256)])
def test_share_of_a_cell_that_is_seen(size: tuple[int, int], corner: float) -> None:
    shares = seen_shares(*size)
    assert shares[-1, -1] == corner
    assert (shares[:-1, :-1] == 1).all()


def test_zeros_and_very_large_symbols_are_left_alone() -> None:
    assert (SAVED[:, [0, LARGEST]] == 0).all()
    assert (SAVED[:, 1] > 0).all()


def test_coarser_steps_weigh_distances_more() -> None:
    residuals = np.full(50, 0.6, dtype=np.float32)
    model = symbols_of(np.linspace(1, len(SAVED) - 1, 50))
    fine, coarse = (int(np.abs(rdoq(q)(residuals, model, ONE)).sum()) for q in (64, 255))
    assert fine < coarse


@pytest.mark.parametrize("gain", [8, 24, 40])
def test_rdoq_costs_less_than_the_nearest_integers(photo: NDArray[np.uint8], gain: int) -> None:
    zoo: Zoo = load_zoo()
    picture = AnalysedPicture(photo[:256, :256], zoo.models[1])
    setting = coding_setting(gain, Q_ONE)
    plain, aware = (picture.encode(setting, latents)[0] for latents in (picture.latents(setting.gain), None))
    assert cost(aware, gain) < 0.995 * cost(plain, gain)
