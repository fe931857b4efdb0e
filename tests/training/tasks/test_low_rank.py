from __future__ import annotations

import csv
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from decoder_pkg.weight_files import LEFT, TensorFile, read_weights
from encoder.models import EncoderModel, load_zoo
from tests.training.runs import SMOKE, exported, finished_run, trainer
from training.config import TrainConfig
from training.data.crops import CropSet
from training.export.deltas import Goal
from training.export.factors import factors
from training.export.manifests import NewModel, update_manifests
from training.export.trained import load_run
from training.export.whole import export_delta
from training.loop.trainer import Trainer

RANK = 3
CONFIG = replace(
    SMOKE,
    architecture="smoke-quadtree",
    from_model=8,
    rank=RANK,
    iterations=20,
    adam_lr=3e-3,
    noise_iterations=0,
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> tuple[Path, Path]:
    """Weights of a small model, number 3, that fine-tuned models start from."""
    run = load_run(finished_run(tmp_path_factory, crops, "smoke-quadtree"))
    return exported(run, crops, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def base(folders: tuple[Path, Path]) -> EncoderModel:
    return load_zoo(*folders).models[3]


def tuned_of(base: EncoderModel, folder: Path, crops: CropSet, config: TrainConfig = CONFIG) -> Trainer:
    return trainer(folder, crops, config, deepcopy(base.floats).requires_grad_())


@pytest.fixture(scope="module")
def tuned(base: EncoderModel, tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    tuned_of(base, folder, crops).run()
    return folder


@pytest.mark.long
def test_only_what_is_added_is_trained_and_it_lowers_the_loss(base: EncoderModel, tuned: Path) -> None:
    with (tuned / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    costs = [float(row["bpp_24"]) + 0.0032 * 255**2 * 10 ** (-float(row["psnr_24"]) / 10) for row in rows]
    assert costs[-1] < costs[0]
    before, after = base.floats.state_dict(), load_run(tuned).model.state_dict()
    for name, weight in before.items():
        if weight.ndim == 4:
            change = (after[name] - weight).flatten(1)
            assert 0 < torch.linalg.matrix_rank(change, rtol=1e-3) <= RANK, name


def test_resumed_fine_tuning_ends_like_an_undisturbed_one(
    base: EncoderModel, tuned: Path, tmp_path: Path, crops: CropSet
) -> None:
    tuned_of(base, tmp_path, crops).run(until=7)
    tuned_of(base, tmp_path, crops).run()
    first, second = (load_run(folder).model.state_dict() for folder in (tuned, tmp_path))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_exported_factors_make_the_fine_tuned_model_again(
    base: EncoderModel, folders: tuple[Path, Path], tuned: Path, crops: CropSet
) -> None:
    run, file = load_run(tuned), "tuned.safetensors.gz"
    export_delta(run, base, crops, *(folder / file for folder in folders))
    update_manifests(*folders, NewModel(4, "tuned", file, 3, run.record))
    exported = load_zoo(*folders).models[4]
    model, stored, start = run.model, exported.floats, base.floats
    pictures, gains = crops.batch(np.random.default_rng(1), 2, 128), torch.tensor([8, 40])
    with torch.no_grad():
        wanted, got, other = (m(pictures, gains) for m in (model, stored, start))
    assert torch.allclose(wanted.estimated_bits, got.estimated_bits, rtol=0.01)
    assert (wanted.picture - got.picture).abs().mean() < 0.3 * (wanted.picture - other.picture).abs().mean()
    for folder in folders:
        assert LEFT.encode() not in (folder / "m.safetensors").read_bytes()


@pytest.mark.parametrize("most", [10_000, 60_000, 200_000])
def test_weights_that_grow_beyond_16_bits_are_halved(most: int) -> None:
    rng = np.random.default_rng(1)
    base = rng.integers(-16_000, 16_001, (1, 24, 12)).astype(np.int16)
    change = rng.standard_normal((24, 1)) @ rng.standard_normal((1, 12))
    value = base + change * (most / np.abs(change).max())
    arrays = factors({"w": Goal(value, 1e-12, 2, None)}, {"w": base}, rank=1)
    stored = read_weights(save(arrays), TensorFile({"w": base}, {})).tensors["w"].astype(np.float64)
    halvings = -int(arrays["w.shifts"][0])
    assert np.abs(value).max() / 2**halvings <= 32767 < 4 * np.abs(value).max() / 2**halvings
    assert np.abs(stored * 2**halvings - value).max() < 0.05 * most
