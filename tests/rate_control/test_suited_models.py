from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from decoder_pkg.models import MANIFEST
from encoder.candidates import CandidateCache
from encoder.models import Zoo, load_zoo
from eval.metrics import SQUARED_ERROR, distortion_of
from rate_control.set_coder import SetCoder
from tests.paths import GOLDEN


@pytest.fixture
def mixed_zoo(tmp_path: Path) -> Zoo:
    """The tiny models, of which number 8 is said to be trained for MS-SSIM."""
    folder = tmp_path / "encoder"
    shutil.copytree(GOLDEN / "encoder", folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["models"][1]["distortion"] = "ms-ssim"
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return load_zoo(GOLDEN / "decoder", folder)


@pytest.mark.parametrize(("metric", "models"), [("psnr", {7}), ("ms-ssim", {7, 8}), ("mix", {7, 8})])
def test_models_for_ms_ssim_cost_no_time_where_psnr_alone_counts(
    mixed_zoo: Zoo, files: list[Path], tmp_path: Path, metric: str, models: set[int]
) -> None:
    coder = SetCoder(mixed_zoo, files[:1], CandidateCache(tmp_path / "cache"), distortion_of(metric, 0.1))
    coder.prepare([600])
    assert set(coder.table(predicted=True)["model"]) == models


def test_model_with_the_fewest_gains_codes_a_crop(mixed_zoo: Zoo) -> None:
    assert mixed_zoo.trained_for(3).id == 7
    shipped = load_zoo()
    assert shipped.suited(SQUARED_ERROR).models[1].gains == range(49)
    assert shipped.trained_for(24).id != 1
