from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from decoder_pkg.gains import GAIN_COUNT
from encoder.byte_budget import ROUNDS, BudgetError, encode_within, refine_within
from encoder.candidates import Candidate, CandidateCache
from encoder.coding import AnalysedPicture
from encoder.models import Zoo, load_zoo
from encoder.picture_coder import PictureCoder
from encoder.prediction import sweep_settings
from encoder.presets import Preset
from tests.families import ORIGIN, TUNED, family

Pixels = NDArray[np.uint8]


def coder(zoo: Zoo, pixels: Pixels, folder: Path) -> PictureCoder:
    return PictureCoder(pixels, zoo, CandidateCache(folder))


def candidate_size(candidate: Candidate) -> int:
    return len(candidate.payload)


@pytest.mark.parametrize("budget", [60, 150, 400])
def test_budget_is_kept_and_used(golden_zoo: Zoo, photo: Pixels, tmp_path: Path, budget: int) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    best = encode_within(picture, candidate_size, budget)
    assert 0.95 * budget <= len(best.payload) <= budget


@pytest.mark.parametrize("around", [0, 57])
@pytest.mark.parametrize("budget", [1500, 4000])
def test_photograph_leaves_less_than_a_per_mille_of_its_budget(
    photo: Pixels, tmp_path: Path, budget: int, around: int
) -> None:
    """Beside its payload a file holds names and headers."""
    picture = coder(load_zoo().only([1]), photo, tmp_path)
    best = encode_within(picture, lambda candidate: candidate_size(candidate) + around, budget)
    assert 0.999 * budget <= candidate_size(best) + around <= budget


@pytest.fixture(scope="module")
def swept(golden_zoo: Zoo, photo: Pixels, tmp_path_factory: pytest.TempPathFactory) -> list[Candidate]:
    picture = coder(golden_zoo, photo[:200, :260], tmp_path_factory.mktemp("swept"))
    return [picture.encode(*setting).candidate for setting in sweep_settings(picture.zoo)]


@pytest.mark.parametrize("around", [0, 57])
@pytest.mark.parametrize("payload", [330, 500, 1000, 1300, 1600, 2000, 2300])
def test_picture_is_about_as_good_as_the_best_of_a_sweep_that_fits(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, swept: list[Candidate], payload: int, around: int
) -> None:
    best = min(candidate.squared_error for candidate in swept if candidate_size(candidate) <= payload)
    picture = coder(golden_zoo, photo[:200, :260], tmp_path)
    found = encode_within(picture, lambda candidate: candidate_size(candidate) + around, payload + around)
    assert found.squared_error < 1.02 * best


@pytest.mark.parametrize("budget", [3960, 4000, 4020])
def test_budget_is_not_refused_where_coarser_settings_fit(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, budget: int
) -> None:
    """The setting expected to fill it may take more, and rounding may save too little."""
    best = encode_within(coder(golden_zoo, photo, tmp_path), candidate_size, budget)
    assert 0.9 * budget < candidate_size(best) <= budget


def test_few_settings_are_coded(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, calls = AnalysedPicture.encode, []

    def counted(self: AnalysedPicture, *arguments: Any, **named: Any) -> tuple[Candidate, Pixels]:
        calls.append(arguments)
        return honest(self, *arguments, **named)

    monkeypatch.setattr(AnalysedPicture, "encode", counted)
    for number, budget in enumerate((300, 1000, 2000, 100_000)):
        encode_within(coder(golden_zoo, photo[:200, :260], tmp_path / str(number)), candidate_size, budget)
        assert 0 < len(calls) <= ROUNDS + 1
        calls.clear()


def test_fine_tuned_model_is_found_where_it_is_the_best(photo: Pixels, tmp_path: Path) -> None:
    zoo = family(tmp_path / "family")
    picture = coder(zoo, photo[:200, :260], tmp_path / "cache")
    for gain, expected in ((0, ORIGIN), (22, TUNED), (GAIN_COUNT - 1, ORIGIN)):
        budget = candidate_size(picture.encode(ORIGIN, gain).candidate)
        assert encode_within(picture, candidate_size, budget).header.model == expected


def test_budget_beyond_the_highest_gain_is_used_too(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    most = max((picture.encode(model, GAIN_COUNT - 1).candidate for model in picture.zoo.models), key=candidate_size)
    budget = round(1.2 * most.header.length)
    best = encode_within(picture, candidate_size, budget)
    assert 0.95 * budget <= candidate_size(best) <= budget
    assert best.squared_error < most.squared_error
    assert max(picture.encode(*setting).candidate.header.length for setting in sweep_settings(picture.zoo)) > budget


def test_single_gain_fills_any_budget_between_its_coarsest_and_its_finest_step(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path
) -> None:
    number, model = next(iter(golden_zoo.models.items()))
    zoo = replace(golden_zoo, models={number: replace(model, gains=range(24, 25))})
    picture = coder(zoo, photo[:200, :260], tmp_path)
    least, *_, most = (candidate_size(picture.encode(*setting).candidate) for setting in sweep_settings(zoo))
    assert most > 2 * least
    for share in (0.02, 0.3, 0.6, 0.98):
        budget = round(least * (most / least) ** share)
        assert 0.98 * budget <= candidate_size(encode_within(picture, candidate_size, budget)) <= budget


def test_budget_beyond_everything_takes_the_best(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    best = encode_within(picture, candidate_size, 10**7)
    least = min(picture.encode(*setting).candidate.squared_error for setting in sweep_settings(picture.zoo))
    assert best.squared_error <= 1.02 * least


@pytest.mark.parametrize("pixels", [np.full((64, 64, 3), 127), np.zeros((1, 1, 3)), np.full((3, 200, 3), 255)])
def test_flat_or_tiny_picture_is_no_error(golden_zoo: Zoo, tmp_path: Path, pixels: NDArray[Any]) -> None:
    picture = coder(golden_zoo, pixels.astype(np.uint8), tmp_path)
    for budget in (30, 1000):
        assert candidate_size(encode_within(picture, candidate_size, budget)) <= budget


def test_refined_picture_keeps_the_budget_and_is_never_worse(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    plain = encode_within(picture, candidate_size, 300)
    refined = refine_within(picture, candidate_size, 300, Preset("test", "local", 20, saving=0.05))
    assert len(refined.payload) <= 300
    assert refined.squared_error <= plain.squared_error


@pytest.mark.parametrize("budget", [0, 3])
def test_impossible_budget_names_what_is_possible(golden_zoo: Zoo, photo: Pixels, tmp_path: Path, budget: int) -> None:
    picture = coder(golden_zoo, photo[:96, :128], tmp_path)
    with pytest.raises(BudgetError, match=rf"takes \d+ bytes, {budget} are allowed"):
        encode_within(picture, candidate_size, budget)
