from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import skimage.data
from PIL import Image

from decoder_pkg.decoder import decode_archive
from decoder_pkg.stream.container import entry_size, read_archive
from encoder.candidates import Candidate, CandidateCache, Measured
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture
from encoder.presets import PRESETS, Preset
from eval.machine import provenance
from eval.metrics import SQUARED_ERROR, squared_error
from eval.pictures import PictureError
from rate_control.allocation.lagrangian import InfeasibleBudget
from rate_control.allocation.limits import Limits
from rate_control.allocation.table import TableError
from rate_control.engines import Here
from rate_control.jobs import PresetRefinement, Start
from rate_control.set_coder import TARGET_FILL, SetCoder
from rate_control.tune import picture_table, tune
from submission.package.pack import pack_targets


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> CandidateCache:
    return CandidateCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def coder(golden_zoo: Zoo, files: list[Path], cache: CandidateCache) -> SetCoder:
    coder = SetCoder(golden_zoo, files, cache)
    coder.prepare([1200, 1777, 2500])
    return coder


@pytest.mark.parametrize("budget", [1200, 1777, 2500])
def test_budget_is_full_and_not_exceeded(coder: SetCoder, budget: int) -> None:
    result = coder.fill(budget)
    # Of so few bytes one is already more than a twentieth of a percent.
    assert min(TARGET_FILL * budget, budget - 3) <= len(result.data) <= budget


@pytest.mark.parametrize("budget", [1500, 2400])
def test_refined_streams_fill_the_budget_too(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, budget: int
) -> None:
    coder = SetCoder(golden_zoo, files, cache)
    coder.prepare([budget], refined=True)
    result = coder.fill(budget, PresetRefinement(Preset("quick", "local", 8)), 0.05)
    assert min(TARGET_FILL * budget, budget - 3) <= len(result.data) <= budget


def test_budget_beyond_every_candidate_refines_nothing_at_multiplier_zero(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache
) -> None:
    coder, refine = SetCoder(golden_zoo, files, cache), PresetRefinement(Preset("quick", "local", 8))
    coder.prepare([2400], refined=True)
    coder.fill(2400, refine, 0.05)
    assert 2400 < len(coder.fill(1_000_000, refine, 0.05).data) <= 1_000_000
    before = len(coder.table())
    coder.improve(refine, coder.starts(5e4), 0.0)
    assert all(header in picture.plain for picture in coder.pictures for header in list(picture.candidates)[-1:])
    assert len(coder.table()) > before


def test_archive_holds_what_the_table_says(coder: SetCoder, golden_zoo: Zoo, files: list[Path]) -> None:
    result = coder.fill(2000)
    rows = result.table.chosen.set_index("image")
    for file, decoded in zip(files, decode_archive(golden_zoo.bundle, read_archive(result.data)), strict=True):
        assert decoded.pixels is not None
        original = load_picture(file)
        assert squared_error(original, decoded.pixels) == rows.loc[file.stem, "squared_error"]


def test_refinement_sees_the_multiplier_and_its_candidates_are_used(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache
) -> None:
    coder = SetCoder(golden_zoo, files, cache)
    coder.prepare([2000], refined=True)
    multipliers = []

    def better_by_magic(picture: PictureCoder, start: Start, multiplier: float) -> Iterable[Measured]:
        multipliers.append(multiplier)
        finer = picture.encode(start.settings[0].model, min(start.settings[0].gain + 4, 48)).candidate
        header = replace(finer.header, q=99)
        yield Measured(Candidate(header, finer.payload[: len(finer.payload) // 2], 1), {"ms_ssim_loss": 0.0})

    result = coder.fill(2000, refine=better_by_magic)
    assert multipliers[0] > multipliers[3] > 0  # so much smaller: another round, where a byte lowers less distortion
    assert (result.table.chosen["q"] == 99).all()


def test_partner_of_a_refined_stream_is_never_an_unrefined_one(coder: SetCoder) -> None:
    picture = coder.pictures[0]
    plain = next(iter(picture.candidates.values()))
    shorter = replace(plain.candidate.header, length=plain.candidate.header.length - 9)
    assert picture.larger(replace(plain.candidate, header=shorter)) is None


def test_limits_hold_in_the_archive(golden_zoo: Zoo, files: list[Path], cache: CandidateCache) -> None:
    coder = SetCoder(golden_zoo, files, cache, limits=[Limits(bpp_low=0.08, bpp_high=0.14)])
    coder.prepare([2000])
    pixels = {file.stem: picture.pixels for file, picture in zip(files, coder.pictures, strict=True)}
    for entry in read_archive(coder.fill(2000).data).entries:
        assert 0.08 <= 8 * entry_size(entry) / pixels[entry.name] <= 0.14


def test_limited_picture_is_refined_at_its_own_multiplier(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache
) -> None:
    """At the set's Lagrange multiplier its refined streams would all be beyond the limit, and thrown away."""
    coder = SetCoder(golden_zoo, files, cache, limits=[Limits(bpp_high=0.09, image="two")])
    coder.prepare([2400])
    multipliers: dict[str, float] = {}

    def note(picture: PictureCoder, start: Start, multiplier: float) -> Iterable[Measured]:
        name = next(p.name for p in coder.pictures if p.digest == picture.digest)
        multipliers.setdefault(name, multiplier)
        return []

    coder.fill(2400, refine=note)
    assert multipliers["one"] == multipliers["three"]
    assert multipliers["two"] > 1.2 * multipliers["one"]


def test_misspelt_limit_is_found_before_anything_is_coded(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache
) -> None:
    with pytest.raises(TableError, match=r"names on, which is none of the 3 pictures: is one meant\?"):
        SetCoder(golden_zoo, files, cache, limits=[Limits(bpp_high=1, image="on")])


def test_more_pixels_than_a_stream_holds_are_found_before_anything_is_coded(
    golden_zoo: Zoo, files: list[Path], cache: CandidateCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encoder.pictures.MAX_SET_PIXELS", 10**4)
    with pytest.raises(PictureError, match="a stream holds at most 10000"):
        SetCoder(golden_zoo, files, cache)


def test_budget_too_small_is_refused_with_the_budget_asked_for(coder: SetCoder) -> None:
    with pytest.raises(InfeasibleBudget, match=r"3 pictures take \d+ bytes with .*, \d+ more than the budget of 100$"):
        coder.fill(100, saving=0.05)


def test_real_set_fills_its_budget_to_the_last_per_mille(
    golden_zoo: Zoo, tmp_path: Path, cache: CandidateCache
) -> None:
    """Counting bs.zip as a file, with enough bytes for a per mille to mean something."""
    for name in ("chelsea", "rocket"):
        Image.fromarray(getattr(skimage.data, name)()).save(tmp_path / f"{name}.png")
    files = sorted(tmp_path.iterdir())
    for target, budget in pack_targets(golden_zoo, files, ["0.15"], tmp_path / "dist", cache).items():
        assert 0.9995 * budget <= (tmp_path / "dist" / target / "bs.zip").stat().st_size <= budget


@pytest.mark.long
def test_tuning_writes_what_it_promises_and_says_the_same_again(
    golden_zoo: Zoo, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    origin = provenance(1)

    def report() -> str:
        targets, out = ["0.15", "0.3"], tmp_path / "out"
        return tune(golden_zoo, files, targets, out, SQUARED_ERROR, [], PRESETS[0], Here())

    report()
    names = {"candidates.csv", "comparison.csv", "curve.csv", "pictures-0.15.csv", "pictures-0.3.csv"}
    assert {path.name for path in (tmp_path / "out").glob("*.csv")} == names
    for picture in ("curve.png", "rates.png"):
        with Image.open(tmp_path / "out" / picture) as image:
            assert image.format == "PNG"
    for name in names:
        assert {"commit", "bundle_sha256", "date"} < set(pd.read_csv(tmp_path / "out" / name).columns)
    monkeypatch.setattr("rate_control.tune.provenance", lambda *_: origin)
    first = report()
    tables = {name: (tmp_path / "out" / name).read_bytes() for name in names}
    assert report() == first
    assert {name: (tmp_path / "out" / name).read_bytes() for name in names} == tables


def test_picture_table_adds_up(coder: SetCoder) -> None:
    table = picture_table(coder.fill(1777).table, 1777)
    assert table["image"].tolist() == ["one", "three", "two"]
    assert 0.9 < table["share"].sum() <= 1
