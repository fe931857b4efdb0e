"""A small run, for the tests of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import skimage.data
import torch

from encoder.codecs import FloatCodec
from tests.paths import ROOT
from training.config import TrainConfig, load_config
from training.data.crops import CropSet
from training.loop.trainer import Trainer

CONFIGS = ROOT / "training" / "configs"
SMOKE = replace(load_config(CONFIGS / "smoke.toml"), iterations=50, evaluate_every=10)


def trainer(
    folder: Path, crops: CropSet, config: TrainConfig = SMOKE, initial: FloatCodec[Any] | None = None
) -> Trainer:
    picture = torch.from_numpy(skimage.data.chelsea()[:128, :128].copy()).permute(2, 0, 1)
    return Trainer(config, folder, crops, [picture], initial)
