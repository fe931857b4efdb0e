from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from decoder_pkg.decoder import decode_archive
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.pixels.filters import FilterChain
from encoder.codecs import NotCoded, coding_setting
from encoder.coding import ConventionalPicture
from encoder.models import Zoo, load_zoo
from encoder.prediction import settings_of
from eval.metrics import PSNR, squared_error
from tests.av1_zoo import AV1
from tests.streams import archive_of

Pixels = NDArray[np.uint8]


def under_av1(zoo: Zoo, pixels: Pixels) -> ConventionalPicture:
    return ConventionalPicture(pixels, zoo.models[AV1], zoo.bundle.post_filters)


@pytest.mark.parametrize("place", [5, 30, 55])
def test_candidate_decodes_to_the_picture_that_was_measured(av1_zoo: Zoo, photo: Pixels, place: int) -> None:
    picture = under_av1(av1_zoo, photo[:75, :90])
    at = settings_of(av1_zoo, AV1)[place]
    candidate, shown = picture.encode(coding_setting(at.gain, at.q))
    assert candidate.header.setting == at
    (decoded,) = decode_archive(av1_zoo.bundle, archive_of(av1_zoo.bundle, candidate.entry("picture")))
    assert decoded.pixels is not None
    assert np.array_equal(decoded.pixels, shown)
    assert candidate.squared_error == squared_error(picture.pixels, shown)


def test_post_filter_is_on_where_it_pays(photo: Pixels) -> None:
    """Of shipped weights: it was trained on other pictures than AV1's."""
    zoo = load_zoo()
    model = next(model for model in zoo.models.values() if model.conventional)
    at = coding_setting(*settings_of(zoo, model.id)[25][1:])
    picture = ConventionalPicture(photo, model, zoo.bundle.post_filters)
    (filtered, _), (plain, _) = picture.encode(at), picture.code(picture.quantise(at), at, FilterChain())
    assert filtered.header.filters
    assert filtered.squared_error < plain.squared_error


def test_estimate_is_a_quick_coding(av1_zoo: Zoo, photo: Pixels) -> None:
    picture = under_av1(av1_zoo, photo[:96, :128])
    for at in settings_of(av1_zoo, AV1)[10:50:20]:
        setting = coding_setting(at.gain, at.q)
        found, (coded, _) = picture.estimate(setting, [PSNR]), picture.encode(setting)
        assert found.position == at.position
        assert found.bits == pytest.approx(8 * coded.header.length, rel=0.3)
        assert found.losses[PSNR.column] == pytest.approx(coded.squared_error, rel=0.3)


def test_estimates_of_photographs_are_a_little_worse_than_real_codings_on_the_whole(av1_zoo: Zoo) -> None:
    """Quick codings, uncorrected, speak for learned models; estimates that are too good crowd these out."""
    ratios = []
    for pixels in (skimage.data.astronaut(), skimage.data.coffee(), skimage.data.rocket()):
        picture = under_av1(av1_zoo, pixels[60:188, 100:228])
        for at in settings_of(av1_zoo, AV1)[11:24:12]:
            setting = coding_setting(at.gain, at.q)
            found, (coded, _) = picture.estimate(setting, [PSNR]), picture.encode(setting)
            ratios.append((8 * coded.header.length / found.bits, coded.squared_error / found.losses[PSNR.column]))
    bits, losses = np.log(ratios).mean(axis=0)
    assert abs(bits) < 0.08
    assert -0.12 < losses < 0


def test_losses_are_seen_in_the_windows_that_learned_models_are_seen_in(
    av1_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a picture whose windows are harder than the rest would speak for AV1."""
    pixels = np.concatenate([photo[:96, :128], np.zeros_like(photo[:96, :128])])
    at = coding_setting(*settings_of(av1_zoo, AV1)[20][1:])
    monkeypatch.setattr("encoder.coding.estimate.windows", lambda height, width: upper(height, width))
    half = under_av1(av1_zoo, pixels).estimate(at, [PSNR])
    monkeypatch.undo()
    whole = under_av1(av1_zoo, pixels).estimate(at, [PSNR])
    assert half.losses[PSNR.column] == pytest.approx(2 * whole.losses[PSNR.column], rel=0.1)
    assert half.whole(PSNR.column) == pytest.approx(whole.whole(PSNR.column))


def upper(height: int, width: int) -> list[tuple[object, object]]:
    from decoder_pkg.pixels.tiles import Span

    return [(Span(0, height // 2, 0, height // 2), Span(0, width, 0, width))]


def test_picture_that_pillow_cannot_decode_is_not_coded(
    av1_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise CorruptPayload("too wide")

    monkeypatch.setattr("decoder_pkg.codecs.av1.codec.decode_avif", refused)
    with pytest.raises(NotCoded, match="too wide"):
        under_av1(av1_zoo, photo[:32, :32]).estimate(coding_setting(20, 128), [PSNR])
