from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.candidates import Measured
from encoder.coding import AnalysedPicture
from encoder.models import Zoo
from encoder.refinement import RefinementSetting
from encoder.refinement.search import search_latents, search_start
from encoder.refinement.tiles import Refined, refine_latents
from tests.encoder.refining import MULTIPLIER, QUICK, Pixels, small


def test_model_and_gain_that_cost_least_after_a_trial_are_refined(golden_zoo: Zoo, photo: Pixels) -> None:
    starts = [
        (AnalysedPicture(small(photo), golden_zoo.models[number]), RefinementSetting(gain, 128, MULTIPLIER))
        for number, gain in ((7, 24), (8, 24))
    ]

    def cost(picture: AnalysedPicture, setting: RefinementSetting) -> float:
        return refine_latents(picture, setting, QUICK.method, QUICK.trial_iterations).cost

    picture, chosen = search_start(starts, QUICK)
    near = [(picture, replace(setting, gain=setting.gain + by)) for picture, setting in starts for by in (-2, 0, 2)]
    assert cost(picture, chosen) <= min(cost(*start) for start in near)
    assert search_start(starts[:1], replace(QUICK, gain_steps=())) == starts[0]


@pytest.mark.parametrize(("end", "multiplier"), [(0, 1e9), (-1, 1e-3)])
def test_search_over_gains_reaches_the_ends_of_the_model(
    golden_zoo: Zoo, photo: Pixels, end: int, multiplier: float
) -> None:
    picture = AnalysedPicture(small(photo), golden_zoo.models[7])
    last = picture.model.gains[end]
    start = RefinementSetting(last + (1 if end == 0 else -1), 128, multiplier)
    _, chosen = search_start([(picture, start)], replace(QUICK, gain_steps=(2, 1)))
    assert chosen.gain == last


@pytest.mark.parametrize("part", range(3))
def test_search_over_q_never_ends_worse_than_its_start_in_real_bytes(
    filtered_zoo: Zoo, photo: Pixels, part: int
) -> None:
    pixels = np.ascontiguousarray(photo[60 * part :][:96, 100:230])
    picture = AnalysedPicture(pixels, filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    setting = RefinementSetting(24, 128, MULTIPLIER)

    def code(refined: Refined) -> Measured:
        return Measured(picture.encode(refined.setting.coding, refined.latents)[0])

    def cost(measured: Measured) -> float:
        return measured.candidate.squared_error + MULTIPLIER * measured.candidate.header.length

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
