from __future__ import annotations

import weakref
from pathlib import Path

import pandas as pd
import pytest

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.stream import entry_size
from encoder.candidates import Candidate, CandidateCache, Measured
from encoder.codecs import ModelSetting
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from encoder.pictures import Pixels, load_picture
from encoder.presets import Preset
from eval.metrics import SQUARED_ERROR, measured_metrics
from rate_control import set_picture
from rate_control.set_picture import DOUBT, MOST_ROUNDED, PARTNER_CHANGE, SetPicture
from tests.families import ORIGIN, TUNED, TUNED_GAINS, family

AT = ModelSetting(8, 24, Q_ONE)


def opened(zoo: Zoo, file: Path, cache: Path) -> tuple[SetPicture, PictureCoder]:
    """A picture of which the origins are estimated, and its coder."""
    metrics = measured_metrics(SQUARED_ERROR)
    picture = SetPicture(file, zoo, metrics)
    coder = PictureCoder(load_picture(file), zoo, CandidateCache(cache), metrics)
    picture.expect({number: coder.estimates.of(number) for number in zoo.origins})
    return picture, coder


@pytest.fixture
def both(golden_zoo: Zoo, files: list[Path], tmp_path: Path) -> tuple[SetPicture, PictureCoder]:
    return opened(golden_zoo, files[0], tmp_path)


@pytest.fixture
def picture(both: tuple[SetPicture, PictureCoder]) -> SetPicture:
    return both[0]


@pytest.fixture
def coder(both: tuple[SetPicture, PictureCoder]) -> PictureCoder:
    return both[1]


def coded(picture: SetPicture, coder: PictureCoder, setting: ModelSetting = AT) -> Candidate:
    measured = coder.encode(*setting)
    picture.add(measured, plain=True)
    return measured.candidate


def longer(picture: SetPicture, coder: PictureCoder, chosen: Candidate, more: range) -> Measured:
    filling = picture.filling(chosen, more)
    assert filling
    return filling(coder).candidates[-1]


def test_set_holds_no_samples(golden_zoo: Zoo, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A set at the limit of pixels would take 6.4 GB."""
    read = list[weakref.ref[Pixels]]()

    def noted(path: Path) -> Pixels:
        pixels = load_picture(path)
        read.append(weakref.ref(pixels))
        return pixels

    monkeypatch.setattr(set_picture, "load_with_notes", noted)
    picture = SetPicture(files[0], golden_zoo, [])
    assert picture.size == load_picture(files[0]).shape[:2]
    assert [found() for found in read] == [None]


def test_every_setting_has_one_row_coded_or_predicted(picture: SetPicture, coder: PictureCoder) -> None:
    before = pd.DataFrame(picture.predicted_rows())
    assert before["candidate"].tolist() == picture.prediction.settings
    candidate = coded(picture, coder)
    picture.add(coder.refine([AT], 2000.0, Preset("quick", "local", 2), kept=True))
    after = pd.DataFrame(picture.predicted_rows())
    assert set(before["candidate"]) - set(after["candidate"]) == {AT}
    rows = list(picture.rows())
    assert len(rows) == 2
    assert rows[0]["candidate"] == candidate.header
    assert list(rows[0]) == list(after)
    assert (after["bytes"] > 0).all()
    assert set(after["pixels"]) == {picture.pixels}


def test_predicted_bytes_are_those_of_an_entry_and_losses_are_doubted_a_little(
    picture: SetPicture, coder: PictureCoder
) -> None:
    """Else what is coded would be given up for a predicted gain that is none."""
    candidate = coded(picture, coder)
    rows = pd.DataFrame(picture.predicted_rows()).set_index("candidate")
    entry = candidate.entry(picture.name)
    (row,) = picture.rows()
    assert row["bytes"] == entry_size(entry)
    sizes, losses = picture.prediction.predicted()
    assert sizes[picture.prediction.settings.index(AT)] == pytest.approx(candidate.header.length)
    for setting in (ModelSetting(8, 23, Q_ONE), ModelSetting(8, 25, Q_ONE)):
        index = picture.prediction.settings.index(setting)
        assert rows["bytes"][setting] - sizes[index] == pytest.approx(
            entry_size(entry) - candidate.header.length, abs=2
        )
        assert rows["squared_error"][setting] == pytest.approx(losses["squared_error"][index] * (1 + DOUBT))


def test_coded_streams_correct_the_prediction_and_refined_or_rounded_ones_do_not(
    picture: SetPicture, coder: PictureCoder
) -> None:
    candidate = coded(picture, coder)
    expected = picture.prediction.predicted()[0].tolist()
    picture.add(coder.refine([AT], 500.0, Preset("quick", "local", 4), kept=True))
    picture.add(longer(picture, coder, candidate, range(2, 9)), plain=True)
    assert len(picture.candidates) == 3
    assert picture.prediction.predicted()[0].tolist() == expected


def test_prediction_of_more_models_remembers_the_stream_that_was_coded_first(files: list[Path], tmp_path: Path) -> None:
    zoo, at = family(tmp_path / "family"), ModelSetting(ORIGIN, 24, Q_ONE)
    picture, coder = opened(zoo, files[0], tmp_path / "cache")
    candidate = coded(picture, coder, at)
    for change in (-25, -15, -5, 5, 15, 25):
        room = range(candidate.header.length + change, candidate.header.length + change + 5)
        picture.add(coder.to_fit(candidate, room), plain=True)
    assert len(picture.candidates) > 4
    assert TUNED not in {setting.model for setting in picture.prediction.settings}
    picture.expect({TUNED: coder.estimates.of(TUNED)})
    settings = picture.prediction.settings
    assert [setting.gain for setting in settings if setting.model == TUNED] == list(TUNED_GAINS)
    sizes, losses = picture.prediction.predicted()
    assert sizes[settings.index(at)] == pytest.approx(candidate.header.length)
    assert losses["squared_error"][settings.index(at)] == pytest.approx(candidate.squared_error)


@pytest.mark.parametrize("more", [range(2, 8), range(4, 400)])
def test_stream_that_was_not_refined_grows_by_what_is_wanted(
    picture: SetPicture, coder: PictureCoder, more: range
) -> None:
    candidate = coded(picture, coder)
    found = longer(picture, coder, candidate, more)
    grown = found.candidate.header.length - candidate.header.length
    assert grown in more
    assert grown <= MOST_ROUNDED * candidate.header.length
    assert found.candidate.squared_error < candidate.squared_error


def test_rounding_adds_only_so_much_where_more_is_wanted(picture: SetPicture, coder: PictureCoder) -> None:
    """Further bytes are better spent at a larger gain."""
    candidate = coded(picture, coder, ModelSetting(8, 8, Q_ONE))
    most = picture.room(candidate)
    assert most == MOST_ROUNDED * candidate.header.length
    found = longer(picture, coder, candidate, range(5000, 5010))
    assert 0 < found.candidate.header.length - candidate.header.length <= most


def test_refined_stream_grows_towards_its_partner_of_the_same_setting(picture: SetPicture, coder: PictureCoder) -> None:
    plain, effort = coded(picture, coder), Preset("quick", "local", 12)
    small = coder.refine([AT], 4000.0, effort, kept=True)
    picture.add(small)
    assert picture.lacks_partner(small.candidate)
    assert not picture.lacks_partner(plain)
    assert picture.room(small.candidate) == PARTNER_CHANGE * small.candidate.header.length
    assert picture.filling(small.candidate, range(1, 9)) is None
    large = coder.refine([AT], 200.0, effort, kept=True)
    picture.add(large)
    apart = large.candidate.header.length - small.candidate.header.length
    assert picture.room(small.candidate) == apart > 10
    assert not picture.lacks_partner(small.candidate)
    wanted = range(apart // 2, apart // 2 + 2)
    grown = longer(picture, coder, small.candidate, wanted).candidate.header.length
    assert grown - small.candidate.header.length in range(apart // 2, apart // 2 + 2)


def test_picture_with_nothing_coded_has_the_size_of_an_entry(picture: SetPicture, coder: PictureCoder) -> None:
    """The bytes of an archive around its payloads are known before anything is coded."""
    candidate = coded(picture, coder)
    assert entry_size(candidate.entry(picture.name)) - candidate.header.length - entry_size(picture.empty) in range(3)
