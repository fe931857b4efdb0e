"""A submission of a zoo's models: packed, decoded by its own decoder and compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from decoder_pkg.commands import read_stream
from decoder_pkg.decoder import decode_archive
from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.presets import Preset
from eval.storage import write_atomically
from submission.package import DECODER_ZIP, ORIGINALS, WHEELS, build_decoder_zip, pack_targets
from submission.rehearsal import rehearse_target
from tests.paths import ROOT

QUICK = Preset("quick", "local", 3)
TARGET = "2.0"
"""Bits per pixel: hardly trained models need many."""


def assert_rehearsed(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs a picture with all models, and makes sure that the packed decoder gives what was encoded."""
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
    assert archive.models <= zoo.models.keys()
