from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from decoder_pkg.gains import GAIN_COUNT
from encoder.byte_budget import BudgetError, encode_within, refine_within
from encoder.cache import CandidateCache
from encoder.candidates import Candidate
from encoder.picture_coder import PictureCoder
from encoder.presets import Preset
from encoder.weights import Zoo

Pixels = NDArray[np.uint8]


def coder(zoo: Zoo, pixels: Pixels, folder: Path) -> PictureCoder:
    return PictureCoder(pixels, zoo, CandidateCache(folder))


def candidate_size(candidate: Candidate) -> int:
    return len(candidate.payload)


@pytest.mark.parametrize("budget", [60, 150, 400])
def test_budget_is_kept_and_used(golden_zoo: Zoo, photo: Pixels, tmp_path: Path, budget: int) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    best = encode_within(picture, candidate_size, budget)
    assert 0.85 * budget <= len(best.payload) <= budget


def test_budget_beyond_the_highest_gain_is_used_too(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    most = max((picture.encode(model, GAIN_COUNT - 1).candidate for model in picture.models), key=candidate_size)
    budget = round(1.2 * most.header.length)
    best = encode_within(picture, candidate_size, budget)
    assert 0.95 * budget <= candidate_size(best) <= budget
    assert best.squared_error < most.squared_error
    assert max(measured.candidate.header.length for measured in picture.sweep()) > budget


def test_refined_picture_keeps_the_budget_and_is_never_worse(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    plain = encode_within(picture, candidate_size, 300)
    refined = refine_within(picture, candidate_size, 300, Preset("test", "local", 20, saving=0.05))
    assert len(refined.payload) <= 300
    assert refined.squared_error <= plain.squared_error


def test_impossible_budget_names_what_is_possible(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    with pytest.raises(BudgetError, match=r"takes \d+ bytes, 3 are allowed"):
        encode_within(picture, candidate_size, 3)
