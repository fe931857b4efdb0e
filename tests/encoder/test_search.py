from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from encoder.coding.coded_picture import AnalysedPicture
from encoder.coding.search import hierarchical_search
from hypothesis import given
from hypothesis import strategies as st

from encoder.cache import CandidateCache
from encoder.candidates import Candidate, Measured
from encoder.latents import Setting
from encoder.picture_coder import PictureCoder
from encoder.presets import PRESETS, Preset
from encoder.refinement.methods import METHODS
from encoder.refinement.search import search_latents, search_start, sweep_choices
from encoder.refinement.tiles import Refined, refine_latents
from encoder.weights import Zoo
from eval.metrics import SQUARED_ERROR
from tests.encoder.refining import QUICK, SLOPE, Pixels, small


@given(st.integers(1, 255), st.integers(1, 255), st.lists(st.sampled_from([1, 2, 4, 8, 16]), max_size=4))
def test_search_evaluates_each_value_once_and_never_ends_worse(start: int, least: int, steps: Sequence[int]) -> None:
    asked = []

    def evaluate(value: int, best: int) -> int:
        asked.append(value)
        assert (best - least) ** 2 <= (start - least) ** 2
        return value

    order = sorted(steps, reverse=True)
    value, result = hierarchical_search(evaluate, lambda v: (v - least) ** 2, (start, start), order, (1, 255))
    assert value == result
    assert len(set(asked)) == len(asked)
    assert start not in asked
    assert abs(value - least) <= abs(start - least)
    if order and order[-1] == 1:
        assert value == least


def test_model_and_gain_that_cost_least_after_a_trial_are_refined(golden_zoo: Zoo, photo: Pixels) -> None:
    starts = [
        (AnalysedPicture(small(photo), golden_zoo.models[number]), Setting(gain, 128, SLOPE))
        for number, gain in ((7, 24), (8, 24))
    ]

    def cost(picture: AnalysedPicture, setting: Setting) -> float:
        return refine_latents(picture, setting, QUICK.method, QUICK.trial_iterations).cost

    picture, chosen = search_start(starts, QUICK)
    near = [(picture, replace(setting, gain=setting.gain + by)) for picture, setting in starts for by in (-2, 0, 2)]
    assert cost(picture, chosen) <= min(cost(*start) for start in near)
    assert search_start(starts[:1], replace(QUICK, gain_steps=())) == starts[0]


@pytest.mark.parametrize("part", range(3))
def test_search_over_q_never_ends_worse_than_its_start_in_real_bytes(
    filtered_zoo: Zoo, photo: Pixels, part: int
) -> None:
    pixels = np.ascontiguousarray(photo[60 * part :][:96, 100:230])
    picture = AnalysedPicture(pixels, filtered_zoo.models[8], filtered_zoo.bundle.postfilter)
    setting = Setting(24, 128, SLOPE)

    def code(refined: Refined) -> Measured:
        return Measured(picture.encode(24, refined.setting.q, refined.latents)[0])

    def cost(measured: Measured) -> float:
        return measured.candidate.squared_error + SLOPE * measured.candidate.header.length

    plain = code(refine_latents(picture, setting, QUICK.method, QUICK.iterations))
    assert search_latents(picture, setting, replace(QUICK, q_steps=()), code) == plain
    tried: list[Measured] = []

    def noted(refined: Refined) -> Measured:
        tried.append(code(refined))
        return tried[-1]

    found = search_latents(picture, setting, QUICK, noted)
    assert cost(found) == min(map(cost, tried)) <= cost(plain)
    # Whoever is compared with a neighbour has had its further iterations.
    assert [measured.candidate.header.q for measured in tried[:3]] == [128, 128, 144]


def test_choices_keep_the_best_candidate_of_the_best_models(golden_zoo: Zoo, photo: Pixels) -> None:
    candidates: list[Measured] = []
    for number in (7, 8):
        picture = AnalysedPicture(small(photo), golden_zoo.models[number])
        candidates += [Measured(picture.encode(gain)[0]) for gain in (0, 16, 32, 48)]

    def cost(candidate: Candidate) -> float:
        return candidate.squared_error + SLOPE * candidate.header.length

    (best,) = sweep_choices(candidates, SLOPE, SQUARED_ERROR, 1)
    assert cost(best) == min(cost(measured.candidate) for measured in candidates)
    both = list(sweep_choices(candidates, SLOPE, SQUARED_ERROR, 2))
    assert both[0] == best
    assert {candidate.header.model for candidate in both} == {7, 8}


def test_refined_candidates_are_kept(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CandidateCache(tmp_path)
    preset = Preset("once", "local", 4, 2, survivors=2)
    refined = PictureCoder(small(photo), golden_zoo, cache).refine(SLOPE, preset)

    def fail(*arguments: object) -> None:
        raise AssertionError("refined again")

    monkeypatch.setattr("encoder.picture_coder.search_latents", fail)
    assert PictureCoder(small(photo), golden_zoo, cache).refine(SLOPE, preset) == refined
    with pytest.raises(AssertionError, match="refined again"):
        PictureCoder(small(photo), golden_zoo, cache).refine(2 * SLOPE, preset)


def test_presets_name_methods_that_exist() -> None:
    assert {preset.method for preset in PRESETS} <= {"", *(method.name for method in METHODS)}
