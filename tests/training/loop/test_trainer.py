from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from encoder.codecs import float_codec, latent_likelihood
from encoder.codecs.hyper_networks import HYPER_LIMIT, HyperFloatCodec
from encoder.models import load_zoo
from tests.training.runs import CONFIGS, SMOKE, trainer
from training.config import load_config
from training.data.batches import TrainingBatches
from training.data.crops import CropSet
from training.loop.trainer import Trainer
from training.loop.updates import NOISE_OF_CROPS
from training.tasks.evaluation import EVALUATION_GAINS, RatePoint
from training.tasks.interface import Part, Player, TrainingTask


def test_fifty_iterations_lower_the_loss(every_run: Path) -> None:
    with (every_run / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    # On the evaluation picture: the training loss jumps with the gains and crops that are drawn.
    costs = [float(row["bpp_24"]) + 0.0032 * 255**2 * 10 ** (-float(row["psnr_24"]) / 10) for row in rows]
    assert costs[-1] < 0.8 * costs[0]
    assert (every_run / "progress.png").stat().st_size > 1000


def test_frozen_weights_of_the_model_to_start_from_are_refused(tmp_path: Path, crops: CropSet) -> None:
    initial = float_codec(SMOKE.build_architecture())
    trainer(tmp_path / "free", crops, initial=initial)
    next(initial.parameters()).requires_grad_(False)
    with pytest.raises(ValueError, match="frozen"):
        trainer(tmp_path / "frozen", crops, initial=initial)


def test_training_in_threads_leaves_later_threads_their_own(tmp_path: Path, crops: CropSet) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        trainer(tmp_path, crops).step()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_odd_picture_does_not_send_hyper_latents_where_no_mean_was_trained() -> None:
    model = float_codec(SMOKE.build_architecture())
    assert isinstance(model, HyperFloatCodec)
    y = 1e6 * torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(1))
    assert model.hyper_analysis(y).abs().max() == HYPER_LIMIT


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_captured_updates_train_as_those_launched_one_by_one(tmp_path: Path, crops: CropSet) -> None:
    wide = {"width4": 32, "width8": 32, "width16": 32, "latent_channels": 32}  # Muon takes no narrower weights
    config = replace(SMOKE, iterations=30, noise_iterations=0, architecture_changes=wide)
    captured, launched = (trainer(tmp_path / name, crops, config) for name in ("captured", "launched"))
    start = flat(launched)
    launched.updates._captured = launched.updates._update
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
    (player,), broken = training.task.players, iter([False, True, False, False])

    def odd(part: Part) -> torch.Tensor:
        return player.losses(part) * (torch.nan if next(broken) else 1.0)

    monkeypatch.setattr(training.updates, "_parts", 1)
    monkeypatch.setattr(training.updates, "_map", map)
    monkeypatch.setattr(training.updates, "_players", [replace(player, losses=odd)])
    for _ in range(4):
        training.step()
    assert torch.isfinite(flat(training)).all()


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.toml")), ids=lambda file: file.stem)
def test_shipped_configurations_start_from_models_that_are_shipped(file: Path) -> None:
    config = load_config(file)
    assert config.from_model is None or config.from_model in load_zoo().models
    assert config.build_architecture()


def test_latent_likelihood_sums_to_one() -> None:
    for log2_sigma in (-5.0, -1.0, 0.0, 4.0):
        values = torch.arange(-200.0, 201.0)
        total = latent_likelihood(values, torch.full_like(values, log2_sigma)).sum()
        assert float(total) == pytest.approx(1.0, abs=1e-4)


def test_training_sees_crops_varied_as_drawn(tmp_path: Path, crops: CropSet, monkeypatch: pytest.MonkeyPatch) -> None:
    training = trainer(tmp_path, crops, replace(SMOKE, batch=16))
    seen: list[torch.Tensor] = []

    def see(pictures: torch.Tensor, gains: torch.Tensor) -> list[Part]:
        seen.append(pictures)
        return original(pictures, gains)

    original = training.updates._split
    monkeypatch.setattr(training.updates, "_split", see)
    training.step()
    batch = TrainingBatches(crops, training.config)[0]
    expected = batch.variation.apply(batch.windows, training.updates._generator(NOISE_OF_CROPS))
    assert torch.equal(seen[0], expected)
    assert not torch.equal(expected, batch.windows / 255)


def test_neighbouring_seeds_iterations_and_parts_share_no_noise(tmp_path: Path, crops: CropSet) -> None:
    found = set()
    for seed in (1, 2, 3):
        training = trainer(tmp_path / str(seed), crops, replace(SMOKE, seed=seed))
        for training.updates._iteration in range(4):
            found |= {training.updates._noise_seed(part) for part in (0, 1, NOISE_OF_CROPS)}
    assert len(found) == 3 * 4 * 3


class TwoPlayers(TrainingTask):
    """A bias that comes near the pictures' mean, and a second one that comes near the first."""

    def __init__(self, *_: object) -> None:
        self.one, self.two = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
        self.players = [Player("first", self.one, self._first), Player("second", self.two, self._second)]

    def _first(self, part: Part) -> torch.Tensor:
        value = self.one(torch.ones(1))
        part.kept["value"] = value.detach()
        missing: torch.Tensor = value - part.pictures.mean(dim=(1, 2, 3))
        return missing.square()

    def _second(self, part: Part) -> torch.Tensor:
        missing: torch.Tensor = self.two(torch.ones(1)) - part.kept["value"]
        return missing.square().expand(len(part.gains))

    def evaluate(self, network: torch.nn.Module, pictures: Sequence[torch.Tensor]) -> list[RatePoint]:
        return [RatePoint(gain, 1.0, 0.0, 30.0, 0.9) for gain in EVALUATION_GAINS]


def test_every_player_of_a_task_moves_and_is_resumed(tmp_path: Path, crops: CropSet) -> None:
    config = replace(SMOKE, iterations=4, evaluate_every=2, adam_lr=0.1, warmup=0)

    def begun() -> Trainer:
        return Trainer(config, tmp_path, crops, [], make_task=TwoPlayers)

    training = begun()
    start = {p.name: p.network.state_dict()["bias"].clone() for p in training.task.players}
    training.run(until=2)
    moved = {p.name: p.network.state_dict()["bias"].clone() for p in training.task.players}
    assert all(not torch.equal(start[name], moved[name]) for name in start)
    resumed = begun()
    assert resumed.iteration == 2
    assert {p.name: p.network.state_dict()["bias"] for p in resumed.task.players} == moved
    resumed.run()
    assert resumed.iteration == 4
