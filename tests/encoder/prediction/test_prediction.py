from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT
from encoder.codecs import ModelSetting
from encoder.coding import Estimate
from encoder.prediction import (
    COARSEST_Q,
    FINEST_Q,
    Prediction,
    anchors,
    competes,
    predict,
    settings_of,
    sweep_settings,
)
from eval.metrics import MS_SSIM, PSNR, SQUARED_ERROR
from tests.encoder.drawn import error_at, losses, size_at

ALL = range(GAIN_COUNT)


def estimates(gains: range, alone: bool = True, bits: float = 8.0, error: float = 1.0) -> list[Estimate]:
    settings = [ModelSetting(0, gain, Q_ONE) for gain in gains]
    return [Estimate(float(g), bits * size_at(g), losses(error * error_at(g))) for _, g, _ in anchors(settings, alone)]


def zoo(gains: Mapping[int, range], parents: Mapping[int, int] | None = None) -> Any:
    """Models that serve gains, and what they were fine-tuned from."""
    models = {number: SimpleNamespace(id=number, gains=served, conventional=None) for number, served in gains.items()}
    return SimpleNamespace(models=models, parents=parents or {})


def prediction(
    gains: Mapping[int, range], points: Mapping[int, Sequence[Estimate]], parents: Mapping[int, int] | None = None
) -> Prediction:
    return predict(zoo(gains, parents), points, (PSNR.column, MS_SSIM.column))


def single() -> Prediction:
    return prediction({1: ALL}, {1: estimates(ALL)})


def tuned(ratio: float = 0.9, served: range = range(20, 31)) -> Prediction:
    """A model, and another that was fine-tuned from it and takes so much less."""
    points = {1: estimates(ALL), 2: estimates(served, alone=False, bits=8 * ratio, error=ratio)}
    return prediction({1: ALL, 2: served}, points, {2: 1})


def sizes(drawn: Prediction) -> dict[ModelSetting, float]:
    return dict(zip(drawn.settings, drawn.predicted()[0].tolist(), strict=True))


def errors(drawn: Prediction) -> dict[ModelSetting, float]:
    return dict(zip(drawn.settings, drawn.predicted()[1][PSNR.column].tolist(), strict=True))


@pytest.mark.parametrize("gains", [ALL, range(23), range(23, 36), range(36, GAIN_COUNT), range(5, 6)])
def test_settings_cover_what_a_model_serves_in_even_steps_and_can_be_written(gains: range) -> None:
    settings = settings_of(zoo({3: gains}), 3)
    assert [s.gain for s in settings if s.q == Q_ONE] == list(gains)
    steps = [after.position - before.position for before, after in pairwise(settings)]
    assert all(0.5 < step < 1.5 for step in steps)
    assert all(s.model == 3 and s.gain in gains and 1 <= s.q <= 255 for s in settings)
    assert (settings[0], settings[-1]) == ((3, gains[0], COARSEST_Q), (3, gains[-1], FINEST_Q))


def test_steps_go_beyond_gains_only_where_no_model_serves_the_next_one() -> None:
    several = zoo({1: range(8, 9), 2: range(23), 3: range(23, 36), 4: range(40, 41)})
    for settings in ([at for model in several.models for at in settings_of(several, model)], sweep_settings(several)):
        assert {(at.model, at.gain) for at in settings if at.q > Q_ONE} == {(2, 0), (4, 40)}
        assert {(at.model, at.gain) for at in settings if at.q < Q_ONE} == {(3, 35), (4, 40)}


def test_sweep_has_settings_of_every_model_even_of_a_single_odd_gain() -> None:
    found = sweep_settings(zoo({1: ALL, 2: range(5, 6)}))
    assert [at.gain for at in found if (at.model, at.q) == (1, Q_ONE)] == list(range(0, GAIN_COUNT, 2))
    assert [at for at in found if at.model == 2] == [(2, 5, Q_ONE)]
    assert [at.q for at in sweep_settings(zoo({2: range(5, 6)}))] == [255, 202, 160, Q_ONE, 101, 80, 64]


@given(st.integers(0, GAIN_COUNT - 1), st.integers(1, GAIN_COUNT), st.booleans())
def test_anchors_are_few_rise_and_reach_both_ends(low: int, count: int, alone: bool) -> None:
    gains = range(low, min(low + count, GAIN_COUNT))
    settings = settings_of(zoo({1: gains}), 1)
    ends = settings if len(gains) == 1 else [at for at in settings if at.q == Q_ONE]
    found = anchors(settings, alone)
    assert (found[0], found[-1]) == (ends[0], ends[-1])
    places = [at.position for at in found]
    assert places == sorted(set(places))
    assert len(found) <= (5 if alone else 2)


def test_curves_go_through_the_estimates_and_on_at_the_ends() -> None:
    found, lost = sizes(single()), errors(single())
    for setting in settings_of(zoo({1: ALL}), 1):
        assert found[setting] == pytest.approx(size_at(setting.position), rel=1e-6)
        assert lost[setting] == pytest.approx(error_at(setting.position), rel=1e-6)


rises = st.lists(st.floats(0.3, 0.7), min_size=4, max_size=4)


@given(rises, rises)
def test_larger_gains_never_take_fewer_bytes_or_lose_more(more: list[float], less: list[float]) -> None:
    points = [
        Estimate(float(gain), 800 * np.exp(up), losses(1e7 * np.exp(-down)))
        for gain, up, down in zip((0, 12, 24, 36, 48), accumulate([0.0, *more]), accumulate([0.0, *less]), strict=True)
    ]
    found, lost = prediction({1: ALL}, {1: points}).predicted()
    assert (np.diff(found) > 0).all()
    assert (np.diff(lost[PSNR.column]) < 0).all()


@pytest.mark.parametrize("served", [range(20, 31), range(12), range(40, GAIN_COUNT), range(7, 8)])
def test_fine_tuned_model_follows_the_curve_of_its_origin(served: range) -> None:
    drawn = tuned(0.9, served)
    for setting in (setting for setting in drawn.settings if setting.model == 2):
        assert sizes(drawn)[setting] == pytest.approx(0.9 * size_at(setting.position), rel=1e-3)
        assert errors(drawn)[setting] == pytest.approx(0.9 * error_at(setting.position), rel=1e-3)


def test_ratio_to_the_origin_passes_from_one_anchor_to_the_other() -> None:
    points = [Estimate(float(g), 8 * ratio * size_at(g), losses(error_at(g))) for g, ratio in ((20, 0.8), (30, 1.25))]
    drawn = prediction({1: ALL, 2: range(20, 31)}, {1: estimates(ALL), 2: points}, {2: 1})
    assert sizes(drawn)[ModelSetting(2, 25, Q_ONE)] == pytest.approx(size_at(25), rel=1e-6)


def test_model_whose_origin_is_not_estimated_has_a_curve_of_its_own() -> None:
    drawn = prediction({1: ALL, 2: range(20, 31)}, {2: estimates(range(20, 31), alone=False)}, {2: 1})
    assert {setting.model for setting in drawn.settings} == {2}
    assert sizes(drawn)[ModelSetting(2, 20, Q_ONE)] == pytest.approx(size_at(20))


def test_model_of_one_gain_has_a_curve_over_its_steps() -> None:
    one = zoo({1: range(9, 10)})
    points = [
        Estimate(at.position, 8 * size_at(at.position), losses(error_at(at.position)))
        for at in anchors(settings_of(one, 1), alone=True)
    ]
    found = sizes(prediction({1: range(9, 10)}, {1: points}))
    assert list(found) == settings_of(one, 1)
    for at, size in found.items():
        assert size == pytest.approx(size_at(at.position), rel=1e-6)


def test_model_with_one_estimate_has_a_level_curve() -> None:
    drawn = prediction({1: ALL, 2: range(9, 10)}, {2: estimates(range(9, 10))})
    assert drawn.settings == [(2, 9, Q_ONE)]
    assert sizes(drawn)[ModelSetting(2, 9, Q_ONE)] == pytest.approx(size_at(9))


def test_picture_that_takes_and_loses_nothing_is_no_error() -> None:
    points = [Estimate(float(gain), 0.0, losses(0.0)) for gain in (0, 24, 48)]
    drawn = prediction({1: ALL}, {1: points})
    assert np.isfinite(drawn.predicted()[0]).all()
    assert drawn.nearest(12, SQUARED_ERROR, 1000) in drawn.settings


def test_only_the_losses_that_are_asked_for_are_predicted() -> None:
    drawn = predict(zoo({1: ALL}), {1: estimates(ALL)}, [PSNR.column])
    assert list(drawn.predicted()[1]) == [PSNR.column]


@pytest.mark.parametrize(("share", "rate", "wins"), [(0.9, 2.0, True), (1.1, 2.0, False), (1.1, 0.1, True)])
def test_conventional_codec_is_looked_at_closer_where_it_wins_or_is_quick(
    share: float, rate: float, wins: bool
) -> None:
    """Photographs would take a seventh longer, or high budgets of smooth ones stay empty."""
    other = Estimate(24.0, 8 * size_at(24), losses(share * error_at(24)))
    pixels = round(other.bits / rate)
    assert competes(zoo({1: ALL}), {1: estimates(ALL)}, other, pixels) is wins
    assert competes(zoo({}), {}, other, pixels)


def test_model_without_estimates_has_no_curve() -> None:
    drawn = prediction({1: ALL, 9: ALL}, {1: estimates(ALL), 9: []})
    assert {setting.model for setting in drawn.settings} == {1}


def test_models_compare_by_their_windows_and_are_as_large_as_their_origin_says() -> None:
    """How far windows stand for the whole is about the same under each model; what tells it would only add noise."""
    served = range(20, 31)
    origin = [replace(one, samplings={PSNR.column: 3.0}) for one in estimates(ALL)]
    own = [replace(one, samplings={PSNR.column: 5.0}) for one in estimates(served, alone=False, error=0.9)]
    drawn = errors(prediction({1: ALL, 2: served}, {1: origin, 2: own}, {2: 1}))
    assert drawn[ModelSetting(1, 20, Q_ONE)] == pytest.approx(3 * error_at(20))
    assert drawn[ModelSetting(2, 20, Q_ONE)] == pytest.approx(0.9 * 3 * error_at(20))
