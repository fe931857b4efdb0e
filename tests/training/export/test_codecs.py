"""A model of every codec goes from a training run to a rehearsed submission."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from decoder_pkg.commands import read_stream
from decoder_pkg.decoder import decode_archive
from encoder.candidates import CandidateCache
from encoder.codecs import trained_multiplier
from encoder.coding import AnalysedPicture
from encoder.models import Zoo, load_zoo
from encoder.presets import Preset
from encoder.refinement import RefinementSetting, refine_latents
from eval.metrics import squared_error
from eval.storage import write_atomically
from submission.package import DECODER_ZIP, ORIGINALS, WHEELS, build_decoder_zip, pack_targets
from submission.rehearsal import rehearse_target
from tests.paths import ROOT

QUICK = Preset("quick", "local", 3)
TARGET = "2.0"
"""Bits per pixel: hardly trained models need many."""


@pytest.fixture(scope="module")
def zoo(every_export: tuple[Path, Path]) -> Zoo:
    return load_zoo(*every_export)


def test_refined_latents_cost_less_and_decode_to_what_was_encoded(zoo: Zoo) -> None:
    pixels = np.ascontiguousarray(skimage.data.chelsea()[:70, :90])
    picture, setting = AnalysedPicture(pixels, zoo.models[3]), RefinementSetting(20, 100, trained_multiplier(20))
    plain, refined = (refine_latents(picture, setting, "local", iterations) for iterations in (0, 8))
    assert refined.cost < plain.cost
    candidate, pixels_back = picture.encode(setting.coding, refined.latents)
    assert squared_error(pixels, pixels_back) == candidate.squared_error


def test_submission_of_a_model_is_rehearsed_to_the_pictures_that_were_encoded(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("submission.rehearsal.run.CONTAINER", tmp_path / "no container")
    (tmp_path / ORIGINALS).mkdir()
    Image.fromarray(skimage.data.astronaut()[:96, :130]).save(tmp_path / ORIGINALS / "one.png")
    files = sorted((tmp_path / ORIGINALS).iterdir())
    write_atomically(tmp_path / DECODER_ZIP, build_decoder_zip(zoo.folders[0], ROOT / WHEELS).data)
    budgets = pack_targets(zoo, files, [TARGET], tmp_path, CandidateCache(tmp_path / "candidates"), QUICK)
    result = rehearse_target(tmp_path, TARGET, tmp_path / ORIGINALS, budgets[TARGET], keep=tmp_path / "decoded")
    archive = read_stream(tmp_path / TARGET / "bs.zip").archive
    (expected,) = decode_archive(zoo.bundle, archive)
    assert expected.pixels is not None
    found = np.asarray(Image.open(tmp_path / "decoded" / "one.png"), dtype=int)
    assert np.abs(found - expected.pixels).max() <= 1
    assert result.score.values["psnr"] > 15
    assert archive.models == {3}
