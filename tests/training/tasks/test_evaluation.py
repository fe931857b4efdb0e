from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from decoder_pkg.codecs.scale_context import ScaleContextArchitecture
from encoder.codecs import ForwardPass
from encoder.codecs.scale_context import ScaleContextFloatCodec
from tests.training.runs import SMOKE
from training.log import append_row, log_row
from training.loop.plots import plot_progress
from training.tasks.evaluation import evaluate, load_pictures


def test_no_picture_to_evaluate_on_is_named_before_training(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "one.png")
    assert len(load_pictures(tmp_path, 1)) == 1
    with pytest.raises(FileNotFoundError, match=r"fewer than 3 \.png"):
        load_pictures(tmp_path, 3)


def test_picture_that_comes_back_exactly_has_a_finite_quality(tmp_path: Path) -> None:
    picture = torch.from_numpy(skimage.data.coffee()[:64, :48].copy()).permute(2, 0, 1)

    class Lossless(ScaleContextFloatCodec):
        def forward(self, picture: torch.Tensor, *_: object) -> ForwardPass:
            return ForwardPass(picture, torch.ones(1), torch.zeros(1))

    architecture = SMOKE.build_architecture()
    assert isinstance(architecture, ScaleContextArchitecture)
    points = evaluate(Lossless(architecture), [picture], [8, 16])
    assert points[0].psnr_db == pytest.approx(10 * np.log10(255**2 * 3 * 64 * 48))
    means = dict.fromkeys(("loss", "gradient_norm", "learning_rate_factor"), 1.0)
    append_row(tmp_path / "log.csv", log_row(1, 0.1, means, evaluate(Lossless(architecture), [picture])))
    plot_progress(tmp_path / "log.csv", tmp_path / "progress.png")
