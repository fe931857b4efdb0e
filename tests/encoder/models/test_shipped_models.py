"""The models that ship: their integers, their size, their quality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.models.manifest import WEIGHTS as DECODER_WEIGHTS
from decoder_pkg.models.manifest import read_manifest
from encoder.byte_budget import encode_within, refine_within
from encoder.candidates import Candidate, CandidateCache
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture, estimated_payload_bits
from encoder.models import ALL_GAINS, WEIGHTS, Zoo, load_zoo, read_encoder_manifest, trained_codecs, weight_folders
from encoder.picture_coder import PictureCoder
from encoder.presets import Preset
from eval.metrics import MS_SSIM, ms_ssim

KNOWN = read_encoder_manifest(WEIGHTS).models
IDS = [row["id"] for row in read_manifest(DECODER_WEIGHTS).models if "iterations" in KNOWN[row["id"]]]
"""Of models that were trained."""

SERVED = {number: tuple(KNOWN[number].get("gains", ALL_GAINS)) for number in IDS}
"""The lowest and the highest gain that each model was trained for."""

FOR_MS_SSIM = [number for number in IDS if KNOWN[number].get("distortion") == MS_SSIM.key]


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return load_zoo()


@pytest.mark.parametrize(
    ("model", "gain"),
    [(m, g) for m, (low, high) in SERVED.items() for g in sorted({0, 4, 24, 44, low, low + 4, high})],
)
def test_real_bytes_stay_near_the_estimate(zoo: Zoo, photo: NDArray[np.uint8], model: int, gain: int) -> None:
    coded, filters = zoo.models[model], zoo.bundle.post_filters
    candidate, _ = AnalysedPicture(photo, coded, filters).encode(coding_setting(gain, Q_ONE))
    estimate = estimated_payload_bits(coded, candidate, filters) / 8
    low, high = SERVED[model]
    # Fixed point may cost a little more at rates that a model was not trained for.
    assert len(candidate.payload) == pytest.approx(estimate, rel=0.003 if low <= gain <= high else 0.005, abs=3)


@pytest.mark.parametrize("gain", [4, 24, 44])
@pytest.mark.parametrize("codec", trained_codecs())
def test_codec_beside_the_shipped_models_codes_what_it_estimates(
    photo: NDArray[np.uint8], codec: str, gain: int
) -> None:
    zoo = load_zoo(*weight_folders(codec))
    (model,) = zoo.models.values()
    candidate, _ = AnalysedPicture(photo, model, zoo.bundle.post_filters).encode(coding_setting(gain, Q_ONE))
    estimate = estimated_payload_bits(model, candidate, zoo.bundle.post_filters) / 8
    assert len(candidate.payload) == pytest.approx(estimate, rel=0.005, abs=3)
    assert candidate.header.filters


@pytest.mark.parametrize("model", [number for number in IDS if number not in FOR_MS_SSIM])
def test_quality_rises_with_the_gain(zoo: Zoo, photo: NDArray[np.uint8], model: int) -> None:
    picture = AnalysedPicture(photo, zoo.models[model])
    candidates = [picture.encode(coding_setting(gain, Q_ONE))[0] for gain in (0, 16, 32, 48)]
    sizes = [len(candidate.payload) for candidate in candidates]
    errors = [candidate.squared_error for candidate in candidates]
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("model", FOR_MS_SSIM)
def test_ms_ssim_rises_with_the_gain_and_beats_the_model_a_copy_came_from(
    zoo: Zoo, photo: NDArray[np.uint8], model: int
) -> None:
    tuned = zoo.models[model]
    assert tuned.base is not None
    gains = np.linspace(tuned.gains[0], tuned.gains[-1], 4).astype(int)
    coded = [
        [picture.encode(coding_setting(int(gain), Q_ONE)) for gain in gains]
        for picture in (AnalysedPicture(photo, tuned), AnalysedPicture(photo, tuned.base))
    ]
    sizes, other_sizes = ([len(candidate.payload) for candidate, _ in row] for row in coded)
    quality, other_quality = ([-np.log(1 - ms_ssim(photo, decoded)) for _, decoded in row] for row in coded)
    assert sizes == sorted(sizes)
    assert quality == sorted(quality)
    at = np.linspace(max(sizes[0], other_sizes[0]), min(sizes[-1], other_sizes[-1]), 5)
    assert (np.interp(at, sizes, quality) > np.interp(at, other_sizes, other_quality)).all()


@pytest.mark.parametrize("model", IDS)
def test_weight_files_can_be_committed(zoo: Zoo, model: int) -> None:
    for folder in (DECODER_WEIGHTS, WEIGHTS):
        assert (folder / zoo.models[model].path.name).stat().st_size < 16 * 2**20


@pytest.mark.parametrize("model", IDS)
@pytest.mark.parametrize("line", [0, 255])
def test_thin_border_of_a_scan_costs_little(zoo: Zoo, model: int, line: int) -> None:
    """Analysis layers may amplify without bound what training crops never show."""
    for side in range(4):
        pixels = np.full((128, 128, 3), 255 - line, dtype=np.uint8)
        pixels[0] = line
        picture = AnalysedPicture(np.ascontiguousarray(np.rot90(pixels, side)), zoo.models[model])
        candidate, _ = picture.encode(coding_setting(24, Q_ONE))
        assert 8 * len(candidate.payload) < 0.3 * 128 * 128


@pytest.mark.long
def test_refinement_buys_a_better_picture_for_the_same_bytes(zoo: Zoo, tmp_path: Path) -> None:
    picture = PictureCoder(skimage.data.astronaut()[:128, 160:288], zoo.only([1]), CandidateCache(tmp_path))

    def size(candidate: Candidate) -> int:
        return len(candidate.payload)

    plain = encode_within(picture, size, 700)
    refined = refine_within(picture, size, 700, Preset("test", "local", 15, saving=0.1))
    assert len(refined.payload) <= 700
    assert refined.psnr_db > plain.psnr_db + 0.1
