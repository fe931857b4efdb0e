from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import skimage.data
from PIL import Image

from encoder.candidates import CandidateCache, Measured
from encoder.codecs import ModelSetting
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import load_picture, pixels_digest
from encoder.presets import PRESETS, Preset, preset
from eval.metrics import SQUARED_ERROR, distortion_of, measured_metrics
from eval.pictures import PictureError
from rate_control.jobs import (
    Coding,
    Filling,
    PictureJob,
    Place,
    Predicting,
    PresetRefinement,
    Refining,
    Start,
    refinement,
    run_job,
)

SETTINGS = ModelSetting(8, 24, 128), ModelSetting(7, 20, 128)
QUICK = PresetRefinement(Preset("quick", "local", 3))


@pytest.fixture
def place(golden_zoo: Zoo, tmp_path: Path) -> Place:
    return Place(golden_zoo.folders, tuple(golden_zoo.models), tmp_path, SQUARED_ERROR)


def job(file: Path, place: Place, task: Any) -> PictureJob:
    return PictureJob(file, pixels_digest(load_picture(file)), place, task)


def test_settings_are_coded_in_their_order_and_only_they(files: list[Path], place: Place, tmp_path: Path) -> None:
    found = run_job(job(files[0], place, Coding(SETTINGS))).candidates
    assert [measured.candidate.header.setting for measured in found] == [*SETTINGS]
    assert len(list(tmp_path.iterdir())) == len(SETTINGS)


def test_estimates_are_in_the_cache_when_their_job_is_done(
    files: list[Path], place: Place, golden_zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the process that allocates would make them again, one picture after another."""
    predicting = job(files[0], place, Predicting(tuple(golden_zoo.models)))
    found = run_job(predicting)
    assert not found.candidates
    assert list(found.estimates) == list(golden_zoo.models)

    def fail(*arguments: object) -> None:
        raise AssertionError("estimated again")

    monkeypatch.setattr("encoder.coding.AnalysedPicture.estimate", fail)
    metrics = measured_metrics(SQUARED_ERROR)
    assert PictureCoder(load_picture(files[0]), golden_zoo, CandidateCache(tmp_path), metrics).predict().settings


def test_refinement_is_told_where_to_begin_and_at_which_multiplier(files: list[Path], place: Place) -> None:
    told: list[Any] = []

    def noted(coder: PictureCoder, start: Start, multiplier: float) -> Iterable[Measured]:
        told.append((start, multiplier))
        yield coder.encode(*start.settings[0])

    (found,) = run_job(job(files[0], place, Refining(noted, Start(SETTINGS), 77.0))).candidates
    assert told == [(Start(SETTINGS), 77.0)]
    assert found.candidate.header.setting == SETTINGS[0]


@pytest.mark.parametrize("kept", [False, True])
def test_preset_refines_from_its_start(files: list[Path], place: Place, kept: bool) -> None:
    (found,) = run_job(job(files[0], place, Refining(QUICK, Start(SETTINGS[::-1], kept), 2000.0))).candidates
    (plain,) = run_job(job(files[0], place, Coding(SETTINGS[1:]))).candidates
    assert found.candidate.header.setting == SETTINGS[1]
    costs = [one.candidate.squared_error + 2000 * one.candidate.header.length for one in (found, plain)]
    assert costs[0] < costs[1]


def test_preset_without_a_method_refines_nothing() -> None:
    """Allocations then settle on what is coded as it is."""
    assert refinement(preset("fast")) is None
    similarity = distortion_of("ms-ssim", 1.0)
    for row in PRESETS:
        assert refinement(row, similarity) == (PresetRefinement(row, similarity) if row.method else None)


@pytest.mark.parametrize(
    "task", [Predicting((3, 4)), Coding(SETTINGS), Refining(QUICK, Start(SETTINGS, kept=True), 2.5)]
)
def test_task_reaches_another_process_as_it_is(place: Place, task: Any) -> None:
    job = PictureJob(Path("a.png"), "digest", place, task)
    assert pickle.loads(pickle.dumps(job)) == job


def test_picture_that_was_changed_in_its_file_is_refused_until_its_set_is_read_again(
    place: Place, tmp_path: Path
) -> None:
    file, sizes = tmp_path / "one.png", []
    for side in (48, 64):
        Image.fromarray(skimage.data.coffee()[:side, :side]).save(file)
        coding = job(file, place, Coding(SETTINGS[:1]))
        (measured,) = run_job(coding).candidates
        sizes.append((measured.candidate.header.height, measured.candidate.header.width))
    assert sizes == [(48, 48), (64, 64)]
    Image.fromarray(skimage.data.coffee()[:48, :64]).save(file)
    with pytest.raises(PictureError, match=r"one\.png was changed while its set was coded"):
        run_job(coding)


def test_filling_stops_at_the_first_stream_that_is_long_enough(files: list[Path], place: Place) -> None:
    starts = (Refining(QUICK, Start(SETTINGS, kept=True), multiplier) for multiplier in (4000.0, 200.0))
    small, large = (run_job(job(files[0], place, task)).candidates[0].candidate for task in starts)
    middle = (small.header.length + large.header.length) // 2
    for room in (range(middle - 2, middle + 3), range(small.header.length, large.header.length)):
        found = run_job(job(files[0], place, Filling(small, large, room))).candidates
        assert [one.candidate.header.length in room for one in found] == [False] * (len(found) - 1) + [True]
    (coded,) = run_job(job(files[0], place, Coding(SETTINGS[:1]))).candidates
    length = coded.candidate.header.length
    (longer,) = run_job(job(files[0], place, Filling(coded.candidate, None, range(length + 3, length + 9)))).candidates
    assert longer.candidate.header.length in range(length + 3, length + 9)
