from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from decoder_pkg.codecs import CodingSetting
from decoder_pkg.decoder import decode_archive
from decoder_pkg.entropy import Q_ONE
from encoder.candidates import Candidate, CandidateCache
from encoder.codecs import ModelSetting
from encoder.coding import AnalysedPicture, parts_of
from encoder.models import NEAR, Zoo
from encoder.picture_coder import PictureCoder
from encoder.prediction import sweep_settings
from encoder.presets import Preset
from eval.metrics import MS_SSIM, squared_error
from tests.encoder.refining import MULTIPLIER, small
from tests.families import ORIGIN, TUNED, TUNED_GAINS, family
from tests.streams import archive_of

Pixels = NDArray[np.uint8]


def coder(zoo: Zoo, pixels: Pixels, folder: Path) -> PictureCoder:
    return PictureCoder(pixels, zoo, CandidateCache(folder))


@pytest.fixture(scope="module")
def tuned_zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return family(tmp_path_factory.mktemp("family"))


def test_interrupted_sweep_goes_on_where_it_stopped(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = photo[:48, :48]
    settings = sweep_settings(coder(golden_zoo, pixels, tmp_path).zoo)
    first = [coder(golden_zoo, pixels, tmp_path).encode(*setting) for setting in settings[:5]]
    calls = []
    honest = AnalysedPicture.encode

    def counted(self: AnalysedPicture, setting: CodingSetting, *others: Any) -> tuple[Candidate, Pixels]:
        calls.append((setting.gain.base, setting.q))
        return honest(self, setting, *others)

    monkeypatch.setattr(AnalysedPicture, "encode", counted)
    second = coder(golden_zoo, pixels, tmp_path)
    again = [second.encode(*setting) for setting in settings]
    assert again[:5] == first
    assert [measured.candidate.header.setting for measured in again] == settings
    assert calls == [(setting.gain, setting.q) for setting in settings[5:]]


def test_damaged_cache_file_is_made_again(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    pixels = photo[:48, :48]
    honest = coder(golden_zoo, pixels, tmp_path).encode(7, 24)
    (path,) = tmp_path.iterdir()
    for damage in (b"", b"{", path.read_bytes()[:50]):
        path.write_bytes(damage)
        assert coder(golden_zoo, pixels, tmp_path).encode(7, 24) == honest


def test_other_pictures_do_not_share_cached_results(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    one = coder(golden_zoo, photo[:48, :48], tmp_path).encode(7, 24)
    other = coder(golden_zoo, photo[48:96, :48], tmp_path).encode(7, 24)
    assert one != other


def test_same_weights_under_another_id_are_other_results(
    golden_zoo: Zoo, tuned_zoo: Zoo, photo: Pixels, tmp_path: Path
) -> None:
    """A stream names its model by the id."""
    assert golden_zoo.models[8].digest == tuned_zoo.models[TUNED].digest
    for zoo, number in ((golden_zoo, 8), (tuned_zoo, TUNED)):
        assert coder(zoo, small(photo), tmp_path).encode(number, 24).candidate.header.model == number


def fail(*arguments: object, **named: object) -> None:
    raise AssertionError("made again")


STARTS = [ModelSetting(7, 24, Q_ONE), ModelSetting(8, 24, Q_ONE)]
REFINEMENTS: list[Callable[[PictureCoder], object]] = [
    lambda coder: coder.refine(STARTS, MULTIPLIER, Preset("once", "local", 4, 2, survivors=2)),
    lambda coder: coder.refine(STARTS, 2 * MULTIPLIER, Preset("once", "local", 4, 2, survivors=2)),
    lambda coder: coder.refine(STARTS, MULTIPLIER, Preset("once", "local", 3, 2, survivors=2)),
    lambda coder: coder.refine(STARTS[::-1], MULTIPLIER, Preset("once", "local", 4, 2, survivors=2)),
    lambda coder: coder.refine(STARTS, MULTIPLIER, Preset("once", "local", 4, 2, survivors=2), kept=True),
]


def test_refined_candidates_are_kept_each_under_all_that_it_depends_on(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = REFINEMENTS
    refined = first(coder(golden_zoo, small(photo), tmp_path))
    for name in ("search_latents", "refine_latents"):
        monkeypatch.setattr(f"encoder.picture_coder.{name}", fail)
    assert first(coder(golden_zoo, small(photo), tmp_path)) == refined
    for other in others:
        with pytest.raises(AssertionError, match="made again"):
            other(coder(golden_zoo, small(photo), tmp_path))


def test_kept_start_is_refined_where_it_is(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    """Two streams of one picture can only be mixed at one setting."""
    start = ModelSetting(8, 20, 97)
    effort = Preset("searching", "local", 2, 2, 2, (4,), (16,), 2)
    found = coder(golden_zoo, small(photo), tmp_path).refine([start, *STARTS], MULTIPLIER, effort, kept=True)
    assert found.candidate.header.setting == start


def test_as_many_models_are_tried_as_survive(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def noted(starts: Any, preset: Preset) -> Any:
        tried.append([picture.model.id for picture, _ in starts])
        return starts[0]

    monkeypatch.setattr("encoder.picture_coder.search_start", noted)
    for survivors in (1, 2):
        effort = Preset("test", "local", 2, survivors=survivors)
        coder(golden_zoo, small(photo), tmp_path).refine(STARTS[::-1], MULTIPLIER, effort)
    assert tried == [[8], [8, 7]]


def test_estimates_are_kept_each_under_all_that_it_depends_on(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = small(photo)
    honest = coder(golden_zoo, pixels, tmp_path).predict().predicted()
    made = set(tmp_path.iterdir())
    assert len(made) == len(golden_zoo.models)
    path = min(made)
    text = path.read_bytes()
    path.write_bytes(text[: len(text) // 2])
    again = coder(golden_zoo, pixels, tmp_path).predict().predicted()
    assert np.array_equal(again[0], honest[0])
    assert path.read_bytes() == text
    monkeypatch.setattr("encoder.coding.AnalysedPicture.estimate", fail)
    assert np.array_equal(coder(golden_zoo, pixels, tmp_path).predict().predicted()[0], honest[0])
    others = [
        coder(golden_zoo, pixels[:64], tmp_path),
        PictureCoder(pixels, golden_zoo, CandidateCache(tmp_path), [MS_SSIM]),
    ]
    for other in others:
        with pytest.raises(AssertionError, match="made again"):
            other.predict()
    monkeypatch.setattr("encoder.estimates.ESTIMATION", ("another",))
    with pytest.raises(AssertionError, match="made again"):
        coder(golden_zoo, pixels, tmp_path).predict()


def test_fine_tuned_models_are_predicted_where_their_origin_would_take_a_gain_near_theirs(
    tuned_zoo: Zoo, photo: Pixels, tmp_path: Path
) -> None:
    picture = coder(tuned_zoo, small(photo), tmp_path)
    assert picture.zoo.origins == [ORIGIN]
    low, high = TUNED_GAINS[0], TUNED_GAINS[-1]
    for gain in (low - NEAR, 24, high + NEAR):
        assert picture.zoo.specialists(gain) == [TUNED]
    for gain in (low - NEAR - 1, high + NEAR + 1):
        assert picture.zoo.specialists(gain) == []
    assert {setting.model for setting in picture.predict().settings} == {ORIGIN}
    with_it = picture.predict([TUNED]).settings
    assert [setting.gain for setting in with_it if setting.model == TUNED] == list(TUNED_GAINS)


def test_model_without_its_origin_beside_it_is_one_by_itself(tuned_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    """It has no curve to follow: because its origin may not be used, or serves fewer gains."""
    alone = coder(tuned_zoo.only([TUNED]), small(photo), tmp_path)
    origin = replace(tuned_zoo.models[ORIGIN], gains=range(20, 30))
    narrow = {ORIGIN: origin, TUNED: replace(tuned_zoo.models[TUNED], base=origin)}
    beyond = coder(replace(tuned_zoo, models=narrow), small(photo), tmp_path)
    for picture, origins in ((alone, [TUNED]), (beyond, [ORIGIN, TUNED])):
        assert picture.zoo.origins == origins
        assert picture.zoo.specialists(24) == []
        assert {setting.model for setting in picture.predict().settings} == set(origins)


def test_better_model_is_expected_to_be_better(tuned_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(tuned_zoo, photo, tmp_path)
    drawn = picture.predict([TUNED])
    _, losses = drawn.predicted()
    expected = dict(zip(drawn.settings, losses["squared_error"].tolist(), strict=True))
    for gain in (14, 24, 30):
        both = [picture.encode(number, gain).candidate.squared_error for number in (TUNED, ORIGIN)]
        ratio = expected[ModelSetting(TUNED, gain, Q_ONE)] / expected[ModelSetting(ORIGIN, gain, Q_ONE)]
        assert ratio == pytest.approx(both[0] / both[1], rel=0.005)


@pytest.mark.parametrize("change", [-0.02, -0.005, 0.005, 0.01])
def test_choice_made_to_fit_is_the_same_but_for_its_rounding(
    filtered_zoo: Zoo, photo: Pixels, tmp_path: Path, change: float
) -> None:
    pixels = np.ascontiguousarray(photo[:200, 100:330])
    picture = coder(filtered_zoo, pixels, tmp_path)
    chosen = picture.encode(8, 20, 113).candidate
    least = round((1 + change) * chosen.header.length)
    fitted = picture.to_fit(chosen, range(least, least + 4)).candidate
    assert least <= fitted.header.length < least + 4
    assert fitted.header.setting == chosen.header.setting
    filters = filtered_zoo.bundle.post_filters
    before, after = (parts_of(filtered_zoo.models[8], one, filters)[1].links[0].parameters for one in (chosen, fitted))
    assert (after.m, after.coefficients.tolist()) == (before.m, before.coefficients.tolist())
    assert (fitted.squared_error < chosen.squared_error) == (change > 0)
    (decoded,) = decode_archive(filtered_zoo.bundle, archive_of(filtered_zoo.bundle, fitted.entry("a")))
    assert decoded.pixels is not None
    assert squared_error(pixels, decoded.pixels) == fitted.squared_error


def test_choice_that_fits_already_comes_back_as_it_is(filtered_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = coder(filtered_zoo, small(photo), tmp_path)
    chosen = picture.encode(7, 24)
    length = chosen.candidate.header.length
    assert picture.to_fit(chosen.candidate, range(length, length + 1)) == chosen


def test_streams_made_to_fit_are_kept(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = coder(golden_zoo, small(photo), tmp_path).encode(7, 24).candidate
    room = range(chosen.header.length - 3, chosen.header.length)
    fitted = coder(golden_zoo, small(photo), tmp_path).to_fit(chosen, room)
    assert fitted.candidate.header.length in room
    monkeypatch.setattr("encoder.picture_coder.round_to_fit", fail)
    assert coder(golden_zoo, small(photo), tmp_path).to_fit(chosen, room) == fitted
    with pytest.raises(AssertionError, match="made again"):
        coder(golden_zoo, small(photo), tmp_path).to_fit(chosen, range(room.start - 1, room.stop))


def test_flat_picture_s_stream_is_not_made_to_fit_at_another_setting(golden_zoo: Zoo, tmp_path: Path) -> None:
    """Its payload is the same at several."""
    picture = coder(golden_zoo, np.full((64, 64, 3), 127, np.uint8), tmp_path)
    candidates = [picture.encode(7, gain).candidate for gain in (0, 1)]
    assert len({candidate.payload for candidate in candidates}) == 1
    for candidate in candidates:
        found = picture.to_fit(candidate, range(candidate.header.length - 3, candidate.header.length)).candidate
        assert found.header.setting == candidate.header.setting
