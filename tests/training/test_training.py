from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
from PIL import Image

from decoder_pkg.bundle import load_bundle
from encoder.analysis import HYPER_LIMIT
from encoder.cache import CandidateCache
from encoder.encode import AnalysedPicture
from encoder.entropy import latent_likelihood
from encoder.model import CodecModel
from encoder.sweep import PictureCoder
from encoder.twin import load_float_model, plan
from encoder.weights import load_zoo
from training.batches import TrainingBatches
from training.config import TrainConfig, load_config
from training.data import CropSet
from training.distortion import structural_loss
from training.divergence import DivergenceError
from training.export import export, export_difference, fixed_point_loss, update_manifest
from training.fixed_point_export import quantise_layers
from training.loss import lagrangian
from training.milestones import TABLE
from training.optimizers import learning_rate_factor
from training.plots import plot_milestones
from training.trained import load_run
from training.trainer import ORIGIN, TensorList, Trainer, Values
from training.variation import Variation

SMOKE = replace(
    load_config(Path(__file__).parents[2] / "training" / "configs" / "smoke.toml"), iterations=50, evaluate_every=10
)


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> CropSet:
    folder = tmp_path_factory.mktemp("crops")
    for name in ("astronaut", "coffee"):
        pixels = getattr(skimage.data, name)()
        for row in (0, 140):
            for column in (0, 120, 240):
                Image.fromarray(pixels[row : row + 256, column : column + 256]).save(
                    folder / f"{name}{row}{column}.png"
                )
    return CropSet(folder, tmp_path_factory.mktemp("cache"))


def trainer(folder: Path, crops: CropSet, config: TrainConfig = SMOKE) -> Trainer:
    picture = torch.from_numpy(skimage.data.chelsea()[:128, :128].copy()).permute(2, 0, 1)
    return Trainer(config, folder, crops, [picture])


@pytest.fixture(scope="module", params=["smoke", "smoke-quadtree"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> Path:
    folder = tmp_path_factory.mktemp("run")
    trainer(folder, crops, replace(SMOKE, architecture=request.param)).run()
    return folder


def test_fifty_iterations_lower_the_loss(run: Path) -> None:
    with (run / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    # On the evaluation picture: the training loss jumps with the gains and crops that are drawn.
    costs = [float(row["bpp_24"]) + 0.0032 * 255**2 * 10 ** (-float(row["psnr_24"]) / 10) for row in rows]
    assert costs[-1] < 0.8 * costs[0]
    assert (run / "progress.png").stat().st_size > 1000


def test_structural_distortion_falls_where_the_pictures_become_alike() -> None:
    original = torch.from_numpy(skimage.data.coffee()[:192, :192] / 255.0).permute(2, 0, 1)[None].float()
    noise = torch.randn(original.shape, generator=torch.Generator().manual_seed(1))
    decoded = (original + 0.1 * noise).requires_grad_()
    loss = structural_loss(decoded, original)
    (gradient,) = torch.autograd.grad(loss.sum(), decoded)
    assert structural_loss(original, original).item() == pytest.approx(0, abs=1e-2)
    assert structural_loss(decoded - 1e-3 * gradient / gradient.abs().max(), original) < loss


def test_odd_picture_does_not_send_hyper_latents_where_no_mean_was_trained() -> None:
    model = CodecModel(SMOKE.build_architecture())
    y = 1e6 * torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(1))
    assert model.hyper_analysis(y).abs().max() == HYPER_LIMIT


def test_unknown_distortion_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('distortion = "vmaf"')
    with pytest.raises(ValueError, match=r"vmaf.*ms-ssim"):
        load_config(tmp_path / "run.toml")


def test_resumed_run_ends_like_an_undisturbed_one(tmp_path: Path, crops: CropSet) -> None:
    config = replace(SMOKE, iterations=6)
    trainer(tmp_path / "whole", crops, config).run()
    trainer(tmp_path / "parts", crops, config).run(until=3)
    resumed = trainer(tmp_path / "parts", crops, config)
    assert resumed.iteration == 3
    resumed.run()
    whole, parts = (load_run(tmp_path / name).model.state_dict() for name in ("whole", "parts"))
    for name, value in whole.items():
        assert torch.allclose(value, parts[name], atol=1e-5), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_captured_updates_train_as_those_launched_one_by_one(tmp_path: Path, crops: CropSet) -> None:
    wide = {"width4": 32, "width8": 32, "width16": 32, "latent_channels": 32}  # Muon takes no narrower weights
    config = replace(SMOKE, iterations=30, noise_iterations=0, architecture_changes=wide)
    captured, launched = (trainer(tmp_path / name, crops, config) for name in ("captured", "launched"))
    start = flat(launched)
    launched._update = launched._update_now
    for training in (captured, launched):
        training.run()
    moved = (flat(launched) - start).norm()
    assert moved > 0
    assert (flat(captured) - flat(launched)).norm() < 0.2 * moved


def flat(training: Trainer) -> torch.Tensor:
    return torch.cat([weight.detach().flatten().cpu() for weight in training.model.parameters()])


def test_gradient_that_is_no_number_moves_nothing_for_good(
    tmp_path: Path, crops: CropSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trainer(tmp_path, crops, replace(SMOKE, iterations=6))
    original, broken = training._loss_and_gradients, iter([False, True, False, False])

    def odd(part: int, picture: torch.Tensor, gains: torch.Tensor) -> tuple[torch.Tensor, TensorList]:
        loss, gradients = original(part, picture, gains)
        return loss, [gradient * torch.nan for gradient in gradients] if next(broken) else gradients

    monkeypatch.setattr(training, "_parts", 1)
    monkeypatch.setattr(training, "_map", map)
    monkeypatch.setattr(training, "_loss_and_gradients", odd)
    for _ in range(4):
        training.step()
    assert torch.isfinite(flat(training)).all()


def test_resumed_run_takes_its_learning_rate_from_the_configuration(tmp_path: Path, crops: CropSet) -> None:
    trainer(tmp_path, crops, replace(SMOKE, iterations=4)).run(until=2)
    resumed = trainer(tmp_path, crops, replace(SMOKE, iterations=4, adam_lr=1e-6))
    assert resumed.iteration == 2
    assert resumed.optimizers[0].param_groups[0]["peak"] == 1e-6


def test_hours_of_cores_and_of_gpus_are_counted_apart(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path, dirs_exist_ok=True)
    (tmp_path / ORIGIN).write_text(json.dumps({"iterations": 1000, "hours": 2.0, "gpu_hours": 0.5}))
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    for device, hours in (("cpu", [3.0, 0.5]), ("cuda", [2.0, 1.5])):
        torch.save(state | {"device": device, "seconds": 3600.0}, tmp_path / "checkpoint.pt")
        ledger = load_run(tmp_path).ledger
        assert [ledger["hours"], ledger["gpu_hours"]] == hours
        assert ledger["iterations"] == 1000 + SMOKE.iterations


def test_crops_are_lit_framed_and_made_noisy_as_drawn() -> None:
    count = 6
    plain = Variation(
        light=torch.zeros(count, 3, 3),
        frame_width=torch.tensor([0, 2, 2, 0, 0, 0]),
        frame_side=torch.tensor([0, 0, 3, 0, 0, 0]),
        frame_colour=torch.full((count, 3), 255.0),
        blank=torch.tensor([False, False, True, False, False, False]),
        blank_colour=torch.zeros(count, 3),
        deviation=torch.zeros(count, 3),
    )
    plain.light[3, 1, 0] = 0.5
    plain.light[4, :, 2] = 0.5
    plain.deviation[5, 2] = 3.0
    windows = torch.full((count, 3, 32, 32), 100, dtype=torch.uint8)
    untouched, framed, blank, lit, ramp, noisy = 255 * plain.apply(windows, torch.Generator().manual_seed(1))
    assert (untouched == 100).all()
    assert (framed[:, :2] == 255).all()
    assert (framed[:, 2:] == 100).all()
    assert (blank[:, :, -2:] == 255).all()
    assert (blank[:, :, :-2] == 0).all()
    assert lit.mean(dim=(1, 2)).tolist() == [100, 150, 100]
    assert ramp[:, 5, [0, -1]].tolist() == [[50, 150]] * 3
    assert noisy[:2].std() == 0
    assert 2.7 < noisy[2].std() < 3.3


def test_diverging_run_does_not_overwrite_its_last_good_checkpoint(
    tmp_path: Path, crops: CropSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trainer(tmp_path, crops, replace(SMOKE, iterations=40))
    training.run(until=2)
    monkeypatch.setattr("training.trainer.CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr("training.trainer.UNREAD", 1)
    monkeypatch.setattr("training.divergence.FEWEST", 1)
    step = training.step

    def diverging() -> Values:
        values = step()
        return values | {"loss": 1.0 if training.iteration < 5 else 100.0}

    monkeypatch.setattr(training, "step", diverging)
    with pytest.raises(DivergenceError, match=r"rose from 1 to 100 before iteration 5.*checkpoint\.pt"):
        training.run()
    assert trainer(tmp_path, crops, replace(SMOKE, iterations=40)).iteration == 4


def test_every_batch_sees_low_and_high_rates(crops: CropSet) -> None:
    batches = TrainingBatches(crops, replace(SMOKE, batch=4, gain_low=8, gain_high=15))
    drawn = np.array([batches[iteration].gains.numpy() for iteration in range(50)])
    assert {tuple(row // 2) for row in drawn} == {(4, 5, 6, 7)}
    assert set(drawn.ravel()) == set(range(8, 16))


def test_exported_model_codes_what_the_float_model_estimates(run: Path, crops: CropSet, tmp_path: Path) -> None:
    trained = load_run(run)
    export(trained, crops, tmp_path / "decoder" / "m.safetensors", tmp_path / "encoder" / "m.safetensors")
    update_manifest(tmp_path / "decoder", 3, "m", "m.safetensors", trained.ledger)
    estimated, actual = fixed_point_loss(trained, load_bundle(tmp_path / "decoder").models[3].entropy, crops)
    # Hardly trained, its latents are wide and escape often; a trained model comes within half a percent.
    assert actual == pytest.approx(estimated, rel=0.15)
    zoo = load_zoo(tmp_path / "decoder", tmp_path / "encoder")
    candidate, _ = AnalysedPicture(skimage.data.chelsea()[:100, :90], zoo.models[3]).encode(20)
    assert candidate.header.model == 3
    assert load_bundle(tmp_path / "decoder").id == zoo.bundle.id


def test_exported_model_goes_back_to_float(run: Path, crops: CropSet, tmp_path: Path) -> None:
    trained = load_run(run)
    export(trained, crops, tmp_path / "decoder" / "m.safetensors", tmp_path / "encoder" / "m.safetensors")
    update_manifest(tmp_path / "decoder", 3, "m", "m.safetensors", trained.ledger)
    twin = load_float_model(load_zoo(tmp_path / "decoder", tmp_path / "encoder").models[3])
    pictures, gains = crops.batch(np.random.default_rng(1), 2, 128), torch.tensor([8, 40])
    with torch.no_grad():
        first, second = trained.model(pictures, gains), twin(pictures, gains)
    assert torch.allclose(first.estimated_bits, second.estimated_bits, rtol=0.01)
    # A latent near the edge of a decision may fall to the other side: that changes a few pixels by more.
    assert (first.picture - second.picture).abs().mean() < 0.002


def test_copy_is_exported_as_its_difference_to_the_model_it_started_near(
    run: Path, crops: CropSet, tmp_path: Path
) -> None:
    trained, folders = load_run(run), (tmp_path / "decoder", tmp_path / "encoder")
    export(trained, crops, *(folder / "m.safetensors" for folder in folders))
    update_manifest(folders[0], 3, "m", "m.safetensors", trained.ledger)
    with torch.no_grad():
        for weight in trained.model.parameters():
            if weight.ndim == 4:
                weight.add_(torch.randn_like(weight), alpha=0.2 * float(weight.std()))
    base, file = load_zoo(*folders).models[3], "copy.safetensors.gz"
    export_difference(trained, base, crops, *(folder / file for folder in folders))
    update_manifest(folders[0], 4, "copy", file, trained.ledger | {"base": 3, "gains": [8, 15]})
    zoo = load_zoo(*folders)
    pictures, gains = crops.batch(np.random.default_rng(1), 2, 128), torch.tensor([8, 15])
    with torch.no_grad():
        models = trained.model, load_float_model(zoo.models[4]), load_float_model(base)
        model, copy, other = (model(pictures, gains) for model in models)
    assert torch.allclose(model.estimated_bits, copy.estimated_bits, rtol=0.01)
    assert (model.picture - copy.picture).abs().mean() < 0.1 * (model.picture - other.picture).abs().mean()
    coder = PictureCoder(skimage.data.chelsea()[:64, :64], zoo, CandidateCache(tmp_path / "cache"))
    headers = [measured.candidate.header for measured in coder.sweep()]
    assert {header.gain for header in headers if header.model == 4} == {8, 10, 12, 14}
    update_manifest(folders[0], 3, "m", "m.safetensors", trained.ledger)
    assert list(load_zoo(*folders).models) == [3, 4]
    export(trained, crops, *(folder / "m.safetensors" for folder in folders))  # which the copy is no difference to
    update_manifest(folders[0], 3, "m", "m.safetensors", trained.ledger)
    assert list(load_zoo(*folders).models) == [3]


def test_weights_larger_than_what_they_yield_are_not_clipped() -> None:
    """A layer whose outputs are small asks for a finer scale than its weights can have in 16 bits."""
    model = CodecModel(TrainConfig(architecture="smoke-quadtree").build_architecture())
    peaks = {row.name: 4.0 for row in plan(model.arch)} | {"hyper.enter": 1e-3}
    arrays, exponents = quantise_layers(model, peaks)
    scale = 2.0 ** (arrays["hyper.enter.shift"].astype(int) + exponents["hyper.enter"])
    stored, weight = arrays["hyper.enter.weight"][4] / scale, model.hyper_synthesis.enter.weight[:, :, 1, 1].detach()
    assert np.abs(stored.T - weight.numpy()).max() < 1e-3 * float(weight.abs().max())
    with pytest.raises(ValueError, match="do not fit 16 bits"):
        quantise_layers(model, {name: 1e-3 if name.startswith(("hyper.scale", "context.")) else 1e6 for name in peaks})


def test_latent_likelihood_sums_to_one() -> None:
    for log2_sigma in (-5.0, -1.0, 0.0, 4.0):
        values = torch.arange(-200.0, 201.0)
        total = latent_likelihood(values, torch.full_like(values, log2_sigma)).sum()
        assert float(total) == pytest.approx(1.0, abs=1e-4)


def test_learning_rate_warms_up_stays_and_falls() -> None:
    config = TrainConfig(iterations=1000, warmup=100, decay=0.3)
    factors = [learning_rate_factor(i, config) for i in (0, 50, 100, 600, 850, 999)]
    assert factors[0] == pytest.approx(0.01)
    assert factors[2] == factors[3] == 1.0
    assert factors[4] == pytest.approx(0.5)
    assert factors[5] < 0.01


def test_lambda_doubles_every_octave() -> None:
    assert lagrangian(torch.tensor([0, 8, 48])).tolist() == pytest.approx([0.0004, 0.0008, 0.0256])


def test_unknown_field_of_a_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("iteration = 5\n")
    with pytest.raises(ValueError, match="iteration"):
        load_config(tmp_path / "a.toml")


def test_folder_without_crops_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--data"):
        CropSet(tmp_path, tmp_path)


def test_crops_stay_inside_and_repeat_with_the_seed(crops: CropSet) -> None:
    first, again = (crops.batch(np.random.default_rng(1), 4, 96) for _ in range(2))
    assert first.shape == (4, 3, 96, 96)
    assert torch.equal(first, again)
    assert 0 <= float(first.min()) < float(first.max()) <= 1


def test_milestones_are_drawn_from_their_table(tmp_path: Path) -> None:
    table = pd.read_csv(TABLE)
    assert table["hours"].is_monotonic_increasing
    plot_milestones(table, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.width > 400
