from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from eval.baselines import BASELINES, Baseline, baseline_candidate, code, installed, settings_text, tuned
from eval.metrics import MIX, MS_SSIM, PSNR, SQUARED_ERROR, distortion_of, squared_error

LARGE = np.ascontiguousarray(skimage.data.coffee()[100:356, 150:406])


@pytest.fixture(scope="module")
def crop() -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = skimage.data.astronaut()[:64, 100:180]
    return pixels


def named(name: str) -> Baseline:
    return next(baseline for baseline in BASELINES if baseline.name == name)


@pytest.mark.parametrize("baseline", installed(), ids=lambda baseline: baseline.name)
def test_codec_that_ignores_its_quality_is_noticed(baseline: Baseline, crop: NDArray[np.uint8]) -> None:
    """The best quality of each choice costs more and loses less than its worst."""
    for choice in range(len(baseline.choices)):
        own = [setting for setting in baseline.curve() if setting.choice == choice]
        (worst, loss), (best, gain) = (code(baseline, crop, baseline.arguments(s)) for s in (own[0], own[-1]))
        assert len(worst) < len(best)
        assert squared_error(crop, loss) > squared_error(crop, gain)


@pytest.mark.parametrize("baseline", installed(), ids=lambda baseline: baseline.name)
def test_no_two_settings_of_a_codec_give_the_same_file(baseline: Baseline) -> None:
    """Each would be coded for nothing."""
    quick = baseline.quickened()
    settings = quick.settings()
    assert set(baseline.knots()) <= set(baseline.curve()) <= set(settings)
    middle = settings[len(settings) // 2 // len(quick.choices) :][:6]
    assert len({code(quick, LARGE, quick.arguments(setting))[0] for setting in middle}) == len(middle)


@pytest.mark.parametrize(("name", "argument"), [("AVIF", "speed"), ("HEVC", "enc_params"), ("JPEG XL", "effort")])
def test_quick_settings_differ_from_slow_ones_in_effort_alone(name: str, argument: str) -> None:
    baseline = named(name)
    for slow, quick in zip(baseline.choices, baseline.quickened().choices, strict=True):
        assert {key for key in slow if slow[key] != quick[key]} == {argument}
    hevc = named("HEVC").quickened()
    assert hevc.choices[0]["enc_params"] == {"preset": "ultrafast", "tune": "psnr"}
    assert hevc.quickened() == hevc


def test_codec_does_not_change_the_arguments_it_gets(crop: NDArray[np.uint8]) -> None:
    before = repr(BASELINES)
    for baseline in installed():
        code(baseline, crop, baseline.arguments(baseline.curve()[0]))
    assert repr(BASELINES) == before


@pytest.mark.parametrize("name", ["AVIF", "HEVC"])
def test_codec_that_can_be_tuned_is_tuned_for_what_is_asked(name: str) -> None:
    baseline = named(name)
    assert tuned(baseline, SQUARED_ERROR) == tuned(baseline, distortion_of(MIX, 0.1)) == baseline
    structural = tuned(baseline, distortion_of(MS_SSIM.key, 1))
    assert repr(structural.choices) == repr(baseline.choices).replace("'tune': 'psnr'", "'tune': 'ssim'")
    assert structural != baseline


def test_tuning_for_ssim_gains_ms_ssim() -> None:
    """At equal bytes, the loss is smaller."""
    logs = []
    for distortion in (distortion_of(MS_SSIM.key, 1), SQUARED_ERROR):
        codec = tuned(named("AVIF").quickened(), distortion)
        points = [baseline_candidate(codec, LARGE, setting, [MS_SSIM]) for setting in codec.curve()]
        logs.append(np.log([(one.bytes, one.losses[MS_SSIM.column]) for one in points if one]))
    structural, plain = logs
    assert np.mean(structural[:, 1] - np.interp(structural[:, 0], *plain.T)) < -0.02


def test_candidate_counts_the_bytes_of_its_file(crop: NDArray[np.uint8]) -> None:
    baseline = BASELINES[0]
    candidate = baseline_candidate(baseline, crop, baseline.curve()[0], [PSNR])
    assert candidate
    stream, decoded = code(baseline, crop, candidate.arguments)
    assert candidate.bytes == len(stream)
    assert candidate.losses == {PSNR.column: squared_error(crop, decoded)}


def test_row_does_not_hide_that_pictures_got_different_settings() -> None:
    jpeg = BASELINES[0]
    chosen = [{"quality": quality, "subsampling": quality % 2, "optimize": True} for quality in (5, 9, 30, 12)]
    text = settings_text(jpeg, chosen)
    assert text == f"jpg {jpeg.version}, quality 5 to 30, subsampling 0 or 1, optimize True"
