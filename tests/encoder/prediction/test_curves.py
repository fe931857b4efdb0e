from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from encoder.prediction import Curves, spline, to_logs
from eval.metrics import MS_SSIM, PSNR, SQUARED_ERROR, distortion_of
from tests.encoder.drawn import error_at, losses, size_at

PIXELS = 10_000
LOW, HIGH = -16, 64
Place = tuple[int, int]
"""A line, and a place on it."""


def curves(ratios: Mapping[int, float] | None = None) -> Curves[Place]:
    """A long line 1, and shorter ones that take and lose so much less."""
    ratios = ratios or {}
    settings = [(1, place) for place in range(LOW, HIGH + 1)]
    settings += [(line, place) for line in ratios for place in range(20, 31)]
    factors = [ratios.get(line, 1.0) for line, _ in settings]
    drawn = [
        to_logs(factor * size_at(place), list(losses(factor * error_at(place)).values()))
        for factor, (_, place) in zip(factors, settings, strict=True)
    ]
    lines, places = zip(*settings, strict=True)
    return Curves(settings, lines, places, np.array(drawn), list(losses(0)))


def sizes(drawn: Curves[Place]) -> dict[Place, float]:
    return dict(zip(drawn.settings, drawn.predicted()[0].tolist(), strict=True))


def errors(drawn: Curves[Place]) -> dict[Place, float]:
    return dict(zip(drawn.settings, drawn.predicted()[1][PSNR.column].tolist(), strict=True))


def test_what_is_predicted_is_what_was_drawn_as_long_as_nothing_is_coded() -> None:
    assert sizes(curves({2: 0.9})) == pytest.approx(
        {(line, place): (0.9 if line == 2 else 1.0) * size_at(place) for line, place in curves({2: 0.9}).settings}
    )
    _, lost = curves().predicted()
    assert lost[PSNR.column] / 1e9 == pytest.approx(lost[MS_SSIM.column])


def test_coded_setting_is_known_exactly_and_those_beside_it_are_corrected_alike() -> None:
    drawn, at = curves(), (1, 24)
    before = sizes(drawn), errors(drawn)
    drawn.learn(at, 1.1 * before[0][at], losses(0.8 * before[1][at]))
    after = sizes(drawn), errors(drawn)
    for setting in drawn.settings:
        assert after[0][setting] == pytest.approx(1.1 * before[0][setting])
        assert after[1][setting] == pytest.approx(0.8 * before[1][setting])


def test_corrections_pass_from_one_coded_setting_to_the_next() -> None:
    drawn = curves()
    before = sizes(drawn)
    for place, ratio in ((32, 0.9), (16, 1.2)):
        drawn.learn((1, place), ratio * before[(1, place)], losses(error_at(place)))
    after = sizes(drawn)
    ratios = np.array([after[setting] / before[setting] for setting in drawn.settings])
    assert np.allclose(ratios[: 16 - LOW + 1], 1.2)
    assert np.allclose(ratios[32 - LOW :], 0.9)
    assert np.allclose(np.diff(np.log(ratios[16 - LOW : 32 - LOW + 1])), np.log(0.9 / 1.2) / 16)


def test_line_of_which_nothing_is_coded_is_corrected_by_the_others_and_else_by_itself() -> None:
    drawn = curves({2: 0.9, 3: 0.8})
    before = sizes(drawn)
    drawn.learn((1, 24), 1.1 * before[(1, 24)], losses(error_at(24)))
    drawn.learn((3, 24), 1.3 * before[(3, 24)], losses(error_at(24)))
    assert 1.05 * before[(2, 24)] < sizes(drawn)[(2, 24)] < 1.35 * before[(2, 24)]
    drawn.learn((2, 24), 0.95 * before[(2, 24)], losses(error_at(24)))
    for line, ratio in ((1, 1.1), (2, 0.95), (3, 1.3)):
        assert sizes(drawn)[(line, 30)] == pytest.approx(ratio * before[(line, 30)])


def test_setting_learnt_twice_keeps_what_was_told_first() -> None:
    """Streams that were rounded to fit have the same setting, and say less of their neighbours."""
    drawn = curves()
    drawn.learn((1, 24), 500, losses(1e6))
    first = sizes(drawn)
    drawn.learn((1, 24), 400, losses(2e6))
    assert sizes(drawn) == first
    assert errors(drawn)[(1, 24)] == pytest.approx(1e6)


def test_setting_that_is_none_of_the_curves_is_passed_over() -> None:
    """Refinement may end at any quantisation step."""
    drawn = curves()
    before = sizes(drawn)
    drawn.learn((7, 24), 1, losses(1e9))
    assert sizes(drawn) == before


def lossless_as_drawn() -> Curves[Place]:
    drawn = np.array([to_logs(0.0, [0.0, 0.0]) for _ in range(9)])
    return Curves([(1, place) for place in range(9)], [1] * 9, range(9), drawn, list(losses(0)))


def lossless_when_coded() -> Curves[Place]:
    drawn = curves()
    for place in (10, 20):
        drawn.learn((1, place), 0, losses(0.0))
    return drawn


@pytest.mark.parametrize("made", [lossless_as_drawn, lossless_when_coded])
def test_picture_without_losses_is_no_error(made: Callable[[], Curves[Place]]) -> None:
    drawn = made()
    found, lost = drawn.predicted()
    assert np.isfinite(found).all()
    assert all(np.isfinite(values).all() and (values >= 0).all() for values in lost.values())
    assert drawn.nearest(12, SQUARED_ERROR, PIXELS) in drawn.settings
    assert len(drawn.cheapest(10.0, SQUARED_ERROR, PIXELS)) == 1


def test_line_that_may_begin_at_a_size_is_looked_at_until_its_least_is_coded() -> None:
    """Estimates of a coarsest stream may be too large, and so may what others beside it make of them."""
    drawn, least = curves({2: 0.9}), 0.9 * size_at(20)
    wanted = round(0.95 * least)
    assert drawn.nearest(round(0.85 * least), SQUARED_ERROR, PIXELS)[0] == 1
    assert drawn.nearest(wanted, SQUARED_ERROR, PIXELS) == (2, 20)
    drawn.learn((2, 22), 1.5 * 0.9 * size_at(22), losses(0.9 * error_at(22)))
    assert drawn.nearest(wanted, SQUARED_ERROR, PIXELS) == (2, 20)
    drawn.learn((2, 20), 0.97 * least, losses(0.9 * error_at(20)))
    assert drawn.nearest(wanted, SQUARED_ERROR, PIXELS)[0] == 1


@pytest.mark.parametrize("size", [1, 105, 290, 400, 499, 700, 10**9])
def test_nearest_takes_about_what_is_asked_on_the_line_that_loses_least(size: int) -> None:
    drawn = curves({2: 0.9})
    found = sizes(drawn)
    at = drawn.nearest(size, SQUARED_ERROR, PIXELS)
    own = np.array([found[setting] for setting in drawn.settings if setting[0] == at[0]])
    assert abs(np.log(found[at] / size)) == abs(np.log(own / size)).min()
    assert at[0] == (2 if 0.9 * size_at(20) <= size <= 0.9 * size_at(30) else 1)


def test_nearest_minds_the_distortion_it_is_asked_for() -> None:
    drawn = curves({2: 1.0})
    drawn.learn((1, 25), size_at(25), {PSNR.column: 1.2 * error_at(25), MS_SSIM.column: 0.8 * error_at(25) / 1e9})
    drawn.learn((2, 25), size_at(25), losses(error_at(25)))
    wanted = round(size_at(25))
    assert drawn.nearest(wanted, SQUARED_ERROR, PIXELS) == (2, 25)
    assert drawn.nearest(wanted, distortion_of("ms-ssim", 1.0), PIXELS) == (1, 25)


def test_cheapest_names_each_line_once_and_the_best_first() -> None:
    drawn, similarity = curves({2: 0.9}), distortion_of("ms-ssim", 1.0)
    for kind, multiplier in ((SQUARED_ERROR, 2000.0), (SQUARED_ERROR, 1e9), (similarity, 1e-2), (similarity, 1e-9)):
        found = drawn.cheapest(multiplier, kind, PIXELS)
        assert sorted(line for line, _ in found) == [1, 2]
        size, lost = drawn.predicted()
        costs = kind.of(lost, np.full(len(size), float(PIXELS))) + multiplier * size
        cost = dict(zip(drawn.settings, costs.tolist(), strict=True))
        assert cost[found[0]] == costs.min()
        for setting in found:
            assert cost[setting] == min(value for other, value in cost.items() if other[0] == setting[0])
    assert drawn.cheapest(1e12, SQUARED_ERROR, PIXELS)[0] == (1, LOW)
    assert drawn.cheapest(1e-9, SQUARED_ERROR, PIXELS)[0] == (1, HIGH)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_spline_is_the_natural_one_and_straight_beyond_its_ends(count: int) -> None:
    random = np.random.default_rng(count)
    known, values = np.sort(random.uniform(0, 50, count)), random.normal(size=(count, 2))
    at = np.concatenate([known, np.linspace(known[0] - 20, known[-1] + 20, 50)])
    found = spline(at, known, values)
    if count == 1:
        assert np.array_equal(found, np.repeat(values, len(at), axis=0))
        return
    reference, inside = CubicSpline(known, values, bc_type="natural"), at.clip(known[0], known[-1])
    assert np.allclose(found, reference(inside) + reference(inside, 1) * (at - inside)[:, None])


def test_line_that_ends_below_a_size_and_loses_less_there_is_taken() -> None:
    """A picture that one codec gives back exactly in a few bytes would else be filled up by another one's losses."""
    drawn = curves({2: 0.01})
    assert drawn.nearest(10 * round(size_at(31)), SQUARED_ERROR, PIXELS)[0] == 2
    assert drawn.least(10 * round(size_at(31)), SQUARED_ERROR, PIXELS) == pytest.approx(0.01 * error_at(30), rel=1e-6)
    assert drawn.nearest(round(0.01 * size_at(20) / 2), SQUARED_ERROR, PIXELS) == (2, 20)
