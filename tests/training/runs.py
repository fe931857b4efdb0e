"""A small run, for the tests of training."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import skimage.data
import torch

from encoder.codecs import FloatCodec
from eval.storage import locked
from tests.paths import ROOT
from training.config import TrainConfig, load_config
from training.data.crops import CropSet
from training.export.manifests import NewModel, update_manifests
from training.export.trained import TrainedRun
from training.export.whole import export
from training.loop.trainer import Trainer

CONFIGS = ROOT / "training" / "configs"
SMOKE = replace(load_config(CONFIGS / "smoke.toml"), iterations=50, evaluate_every=10)


def trainer(
    folder: Path, crops: CropSet, config: TrainConfig = SMOKE, initial: FloatCodec[Any] | None = None
) -> Trainer:
    picture = torch.from_numpy(skimage.data.chelsea()[:128, :128].copy()).permute(2, 0, 1)
    return Trainer(config, folder, crops, [picture], initial)


def exported(trained: TrainedRun, crops: CropSet, folder: Path, file: str = "m.safetensors") -> tuple[Path, Path]:
    """The folders of both halves, with one model, of id 3."""
    folders = folder / "decoder", folder / "encoder"
    export(trained, crops, *(half / file for half in folders))
    update_manifests(*folders, NewModel(3, "m", file, None, trained.record))
    return folders


def finished_run(factory: pytest.TempPathFactory, crops: CropSet, architecture: str) -> Path:
    """The folder of a run."""
    config = replace(SMOKE, architecture=architecture)
    return made_once(factory, architecture, lambda folder: trainer(folder, crops, config).run())


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that whatever process comes first makes for all that test beside each other."""
    shared = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    folder = shared / f"made {name}"
    with locked(shared / f"{name}.lock"):
        if not folder.exists():
            making = factory.mktemp("making")
            make(making)
            making.rename(folder)
    return folder
