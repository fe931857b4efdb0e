from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decoder_pkg.stream import ImageHeader
from encoder.candidates import CandidateCache
from encoder.codecs import ModelSetting, trained_multiplier
from encoder.models import Zoo
from eval.metrics import SQUARED_ERROR, distortion_of
from rate_control.allocation import Limits, TableError
from rate_control.allocation.lagrangian import InfeasibleBudget
from rate_control.candidate_set import along
from rate_control.jobs import Coding, Found, PictureJob, Predicting, run_job
from rate_control.set_coder import SetCoder
from rate_control.settling import ROUNDS
from tests.families import ORIGIN, TUNED, family

BUDGETS = (1100, 1500, 1777, 2500, 4000)
MOST_CODED = 0.15
"""Share of the sweep's settings that one budget may code."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> CandidateCache:
    return CandidateCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def swept(golden_zoo: Zoo, files: list[Path], cache: CandidateCache) -> SetCoder:
    coder = SetCoder(golden_zoo, files, cache)
    coder.sweep()
    return coder


def chosen(coder: SetCoder, available: int) -> pd.DataFrame:
    """What allocations would choose of all settings, coded or predicted."""
    return coder.within(available)(coder.table(predicted=True))


@pytest.mark.parametrize("budget", BUDGETS)
def test_few_settings_are_coded_until_the_choice_is_none_that_is_only_predicted(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, swept: SetCoder, budget: int
) -> None:
    coder = SetCoder(golden_zoo, files, cache)
    goal = coder.within(budget)
    coder.predict([goal])
    assert all(isinstance(candidate, ModelSetting) for candidate in chosen(coder, budget)["candidate"])
    coder.settle([goal, goal])
    coder.settle([goal])
    assert all(isinstance(candidate, ImageHeader) for candidate in chosen(coder, budget)["candidate"])
    assert len(coder.table()) < MOST_CODED * len(swept.table())


@pytest.mark.parametrize("budget", BUDGETS)
def test_choice_loses_hardly_more_than_that_of_the_whole_sweep(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, swept: SetCoder, budget: int
) -> None:
    coder = SetCoder(golden_zoo, files, cache)
    coder.prepare([budget])
    found, best = (one.fill(budget).table.chosen["squared_error"].sum() for one in (coder, swept))
    assert found < 1.03 * best


def test_settling_ends_even_where_predictions_never_come_true(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    coder, rounds = SetCoder(golden_zoo, files, cache), list[object]()
    goal = coder.within(2000)
    coder.predict([goal])

    def never_learning(self: SetCoder, wanted: object) -> None:
        rounds.append(wanted)

    monkeypatch.setattr(SetCoder, "code", never_learning)
    coder.settle([goal])
    assert len(rounds) == ROUNDS


def test_all_goals_share_one_prediction_and_find_what_each_finds_alone(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache
) -> None:
    together, budgets = SetCoder(golden_zoo, files, cache), [1200, 1777, 2500]
    together.prepare(budgets)
    for budget in budgets:
        alone = SetCoder(golden_zoo, files, cache)
        alone.prepare([budget])
        results = [coder.fill(budget).table.chosen["squared_error"].sum() for coder in (together, alone)]
        # What others coded corrects predictions too, so that a neighbouring setting may be chosen.
        assert results[0] == pytest.approx(results[1], rel=0.005)


def test_budget_below_everything_is_refused_with_the_coded_bytes(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, swept: SetCoder
) -> None:
    least = int(swept.table().groupby("image")["bytes"].min().sum())
    coder = SetCoder(golden_zoo, files, cache)
    coder.prepare([least // 2])
    with pytest.raises(InfeasibleBudget, match=r"take \d+ bytes .* more than the budget of \d+$") as refused:
        coder.fill(least // 2)
    said = int(str(refused.value).split(" take ")[1].split()[0])
    archive = SetCoder(golden_zoo, files, cache).fill(said).data
    assert len(archive) <= said


def test_budget_just_above_the_smallest_streams_is_met(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, swept: SetCoder
) -> None:
    with pytest.raises(InfeasibleBudget) as refused:
        SetCoder(golden_zoo, files, cache).fill(100)
    least = int(str(refused.value).split(" take ")[1].split()[0])
    for budget in range(least, least + 40, 7):
        coder = SetCoder(golden_zoo, files, cache)
        coder.prepare([budget])
        assert len(coder.fill(budget).data) <= budget


def test_budget_beyond_everything_takes_the_best_and_codes_little(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, swept: SetCoder
) -> None:
    coder = SetCoder(golden_zoo, files, cache)
    coder.prepare([10**7])
    assert len(coder.table()) < MOST_CODED * len(swept.table())
    best = swept.table().groupby("image")["squared_error"].min().sum()
    assert coder.fill(10**7).table.chosen["squared_error"].sum() < 1.02 * best


@pytest.mark.parametrize(
    "limit",
    [
        Limits(bpp_low=0.12, bpp_high=0.16),
        Limits(bpp_high=0.09, image="two"),
        Limits(bpp_low=0.2, image="three"),
        Limits(psnr_low=25, psnr_high=25.5, image="two"),
        Limits(psnr_low=25.2, image="one"),
    ],
)
def test_limits_hold_for_what_is_chosen_of_predicted_settings(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, limit: Limits
) -> None:
    coder = SetCoder(golden_zoo, files, cache, limits=[limit])
    coder.prepare([2400])
    found = coder.fill(2400).table.chosen.set_index("image")
    bpp = 8 * found["bytes"] / found["pixels"]
    psnr = -10 * np.log10(found["squared_error"] / found["pixels"] / 3 / 255**2)
    for name in [limit.image] if limit.image else list(found.index):
        assert limit.bpp_low <= bpp[name] <= limit.bpp_high
        assert limit.psnr_low <= psnr[name] <= limit.psnr_high


@pytest.mark.parametrize("limit", [Limits(bpp_high=0.0718, image="two"), Limits(psnr_high=23.6, image="two")])
def test_limit_near_the_end_of_a_picture_is_judged_by_what_is_coded(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, limit: Limits
) -> None:
    """Predicted, its smallest stream takes a little more and is a little better."""
    coder = SetCoder(golden_zoo, files, cache, limits=[limit])
    coder.prepare([2400])
    found = coder.fill(2400).table.chosen.set_index("image").loc["two"]
    assert 8 * found["bytes"] / found["pixels"] <= 0.0718 or limit.bpp_high > 1


def test_limit_that_nothing_keeps_to_is_refused(golden_zoo: Zoo, files: list[Path], cache: CandidateCache) -> None:
    coder = SetCoder(golden_zoo, files, cache, limits=[Limits(psnr_low=60, image="two")])
    with pytest.raises(TableError, match=r"two: none of its .* keeps to all limits"):
        coder.prepare([2400])


@pytest.fixture(scope="module")
def tuned_zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return family(tmp_path_factory.mktemp("tuned") / "family")


def test_fine_tuned_model_is_used_where_goals_need_it_and_predicted_nowhere_else(
    tuned_zoo: Zoo, files: list[Path], tmp_path: Path
) -> None:
    cache = CandidateCache(tmp_path)
    for budget, models in ((1150, {ORIGIN}), (2500, {TUNED})):
        coder = SetCoder(tuned_zoo, files, cache)
        coder.prepare([budget])
        assert set(coder.fill(budget).table.chosen["model"]) == models
        assert (TUNED in set(coder.table(predicted=True)["model"])) == (TUNED in models)


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("jobs", [1, 4, 7, 9])
def test_interrupted_preparation_resumes_to_the_same_archive(
    tuned_zoo: Zoo, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    def archive(cache: Path) -> bytes:
        coder = SetCoder(tuned_zoo, files, CandidateCache(cache))
        coder.prepare([1777, 2500])
        return coder.fill(2500).data

    done: list[PictureJob] = []

    def until_killed(job: PictureJob) -> Found:
        if len(done) == jobs:
            raise Killed
        done.append(job)
        return run_job(job)

    with monkeypatch.context() as patch:
        patch.setattr("rate_control.set_work.run_job", until_killed)
        with pytest.raises(Killed):
            archive(tmp_path / "killed")
    assert isinstance(done[-1].task, Predicting if jobs < 7 else Coding)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed").iterdir()}
    assert archive(tmp_path / "killed") == archive(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # nothing was made twice


def test_cheapest_settings_along_multipliers_are_coded_and_as_cheap_as_the_sweep_s(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, swept: SetCoder
) -> None:
    multipliers = [trained_multiplier(gain) for gain in (8, 24, 40)]
    coder = SetCoder(golden_zoo, files, cache)
    table = along(coder, multipliers, None)
    assert table["multiplier"].tolist() == [multiplier for multiplier in multipliers for _ in files]
    assert all(isinstance(candidate, ImageHeader) for candidate in table["candidate"])
    for multiplier in multipliers:
        rows, known = table[table["multiplier"] == multiplier], swept.table()
        cost = (rows["squared_error"] + multiplier * rows["bytes"]).sum()
        costs = known["squared_error"] + multiplier * known["bytes"]
        assert cost < 1.005 * costs.groupby(known["image"]).min().sum()


def test_set_for_ms_ssim_is_settled_by_ms_ssim(golden_zoo: Zoo, files: list[Path], cache: CandidateCache) -> None:
    """What is predicted of a metric decides, as what is measured of it does."""
    lost = []
    for distortion in (SQUARED_ERROR, distortion_of("ms-ssim", 1.0)):
        coder = SetCoder(golden_zoo, files, cache, distortion)
        coder.prepare([1777])
        assert coder.distortion == distortion
        found = coder.fill(1777).table.chosen
        lost.append((found["ms_ssim_loss"] * found["pixels"]).sum())
    assert lost[1] < lost[0]
