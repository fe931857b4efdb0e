from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from eval.baselines import BASELINES, Baseline, baseline_candidates, code, installed, settings_text, tuned
from eval.metrics import MIX, MS_SSIM, PSNR, SQUARED_ERROR, distortion_of, squared_error

LARGE = np.ascontiguousarray(skimage.data.coffee()[100:356, 150:406])


@pytest.fixture(scope="module")
def crop() -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = skimage.data.astronaut()[:64, 100:180]
    return pixels


@pytest.mark.parametrize("baseline", installed(), ids=lambda baseline: baseline.name)
def test_codec_that_ignores_its_quality_is_noticed(baseline: Baseline, crop: NDArray[np.uint8]) -> None:
    """The best quality of each choice costs more and loses less than its worst."""
    by_choice: dict[str, list[dict[str, object]]] = {}
    for settings in baseline.settings:
        fixed = {name: value for name, value in settings.items() if name not in ("quality", "quality_layers")}
        by_choice.setdefault(repr(fixed), []).append(settings)
    for rows in by_choice.values():
        (worst, loss), (best, gain) = (code(baseline, crop, row) for row in (rows[0], rows[-1]))
        assert len(worst) < len(best)
        assert squared_error(crop, loss) > squared_error(crop, gain)


def test_codec_does_not_change_the_settings_it_gets(crop: NDArray[np.uint8]) -> None:
    before = repr(BASELINES)
    for baseline in installed():
        code(baseline, crop, baseline.settings[0])
    assert repr(BASELINES) == before


@pytest.mark.parametrize("name", ["AVIF", "HEVC"])
def test_codec_that_can_be_tuned_is_tuned_for_what_is_asked(name: str) -> None:
    (baseline,) = (row for row in BASELINES if row.name == name)
    assert tuned(baseline, SQUARED_ERROR) == tuned(baseline, distortion_of(MIX, 0.1)) == baseline
    structural = tuned(baseline, distortion_of(MS_SSIM.key, 1))
    assert repr(structural.settings) == repr(baseline.settings).replace("'tune': 'psnr'", "'tune': 'ssim'")
    assert structural != baseline


def test_tuning_for_ssim_gains_ms_ssim(crop: NDArray[np.uint8]) -> None:
    """At fewer bytes, the loss is smaller."""
    (avif,) = (row for row in BASELINES if row.name == "AVIF")
    fast = replace(avif, settings=tuple(row | {"speed": 6} for row in avif.settings))
    one, other = (
        [(c.bytes, c.losses[MS_SSIM.column]) for c in baseline_candidates(codec, LARGE, [MS_SSIM])]
        for codec in (tuned(fast, distortion_of(MS_SSIM.key, 1)), fast)
    )
    losses = np.interp(np.log([size for size, _ in one]), *np.log(other).T)
    assert np.mean(np.log([loss for _, loss in one]) - losses) < -0.02


def test_candidate_counts_the_bytes_of_its_file(crop: NDArray[np.uint8]) -> None:
    baseline = BASELINES[0]
    candidate = next(baseline_candidates(baseline, crop, [PSNR]))
    stream, decoded = code(baseline, crop, candidate.settings)
    assert candidate.bytes == len(stream)
    assert candidate.losses == {PSNR.column: squared_error(crop, decoded)}


def test_row_does_not_hide_that_pictures_got_different_settings() -> None:
    jpeg = BASELINES[0]
    chosen = [{"quality": quality, "subsampling": quality % 2, "optimize": True} for quality in (5, 9, 30, 12)]
    text = settings_text(jpeg, chosen)
    assert text == f"jpg {jpeg.version}, quality 5 to 30, subsampling 0 or 1, optimize True"
