"""The training loop: resumable, averaged weights, mixed precision, a CSV log."""

from __future__ import annotations

import csv
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from decoder_pkg.synthesis import to_channels_last
from encoder.model import CodecModel

from .config import TrainConfig
from .data import CropSet
from .divergence import DivergenceError, LossWatch
from .evaluation import evaluate
from .initialise import initialise_shortcut
from .loss import losses
from .muon import Muon
from .plots import plot_progress
from .winograd import is_faster, use_winograd

TensorList = tuple[Tensor, ...] | list[Tensor]
Batch = tuple[Tensor, Tensor]
"""Pictures [B, 3, S, S] float and gain indices [B] int64."""

CHECKPOINT_SECONDS = 600
CHECKPOINT = "checkpoint.pt"
ORIGIN = "origin.json"
"""In a run's folder: the manifest's row of the model that it started from."""


def learning_rate_factor(iteration: int, config: TrainConfig) -> float:
    """Linear warm-up, constant, then linear decay to zero over the last share of the run."""
    warm = min(1.0, (iteration + 1) / max(1, config.warmup))
    left = (config.iterations - iteration) / max(1.0, config.decay * config.iterations)
    return min(warm, left, 1.0)


class Trainer:
    """State of one run in one folder: weights, optimisers, averaged weights, log."""

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        crops: CropSet,
        evaluation: list[Tensor],
        initial: CodecModel | None = None,
    ) -> None:
        """Starts a run, or continues the one whose checkpoint lies in the folder.

        Args:
          config: the run.
          folder: its checkpoints and log.
          crops: training data.
          evaluation: [3, H, W] uint8 pictures.
          initial: model to start from; without one the linear shortcut starts from principal components.
        """
        self.config, self.folder, self.crops, self.evaluation = config, folder, crops, evaluation
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(config.seed)
        self.model = initial or CodecModel(config.build_architecture())
        self.iteration, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = folder / CHECKPOINT
        if not checkpoint.exists():
            if initial is None:
                initialise_shortcut(self.model, crops, np.random.default_rng(config.seed))
            (folder / "config.json").write_text(json.dumps(asdict(config), indent=1))
        to_channels_last(self.model.to(self.device))
        if self.device.type == "cpu" and is_faster():
            use_winograd(self.model)
        # One thread for each part of a batch is 1.5 times as fast as all threads in every operation.
        self._parts = torch.get_num_threads() if self.device.type == "cpu" else 1
        self._workers = ThreadPoolExecutor(self._parts, "part", torch.set_num_threads, (1,))
        self._loader = ThreadPoolExecutor(1, "crops")
        self._next_batch: Future[Batch] | None = None
        self.average = AveragedModel(self.model, avg_fn=None, multi_avg_fn=self._average)
        self.optimizers = self._build_optimizers()
        if checkpoint.exists():
            self._load(checkpoint)

    def _average(self, averaged: TensorList, current: TensorList, count: Tensor | int) -> None:
        steps = int(count)
        torch._foreach_lerp_(averaged, current, 1 - min(self.config.ema, (1 + steps) / (10 + steps)))

    def _build_optimizers(self) -> list[torch.optim.Optimizer]:
        matrices, tables, rest = [], [], []
        for name, parameter in self.model.named_parameters():
            if self.config.muon_lr > 0 and parameter.ndim == 4 and min(parameter.shape[:2]) >= 32:
                matrices.append(parameter)
            elif "gain" in name or name.startswith("prior."):
                tables.append(parameter)
            else:
                rest.append(parameter)
        adam_lr = self.config.adam_lr
        adam = torch.optim.Adam(
            [{"params": rest, "lr": adam_lr}, {"params": tables, "lr": adam_lr * self.config.table_factor}],
            betas=(0.9, 0.98),
            fused=True,
        )
        optimizers: list[torch.optim.Optimizer] = [adam]
        if matrices:
            optimizers.append(Muon(matrices, lr=self.config.muon_lr, run=self._workers.map))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["peak"] = group["lr"]
        return optimizers

    def run(self, until: int | None = None) -> None:
        """Trains to the end of the configuration, or to an earlier iteration, and saves.

        Raises:
          DivergenceError: the loss rose; the checkpoint is that of at most ten minutes before.
        """
        end = min(until or self.config.iterations, self.config.iterations)
        saved = time.monotonic()
        recent: list[dict[str, float]] = []
        watch = LossWatch()
        progress = tqdm(total=end, initial=self.iteration, desc=self.folder.name, mininterval=10)
        try:
            while self.iteration < end:
                started = time.monotonic()
                values = self.step()
                self.seconds += time.monotonic() - started
                watch.add(values["loss"])
                recent.append(values)
                progress.update()
                if self.iteration % self.config.evaluate_every == 0:
                    self._evaluate({key: sum(row[key] for row in recent) / len(recent) for key in values})
                    recent.clear()
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save_healthy(watch)
                    saved = time.monotonic()
        finally:
            progress.close()
            self._save_healthy(watch)

    def step(self) -> dict[str, float]:
        """One iteration; returns the loss and the learning-rate factor."""
        config = self.config
        self.model.train()
        factor = learning_rate_factor(self.iteration, config)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
        loss = self._set_gradients(*self._take_batch())
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
            self.average.update_parameters(self.model)
        self.iteration += 1
        return {"loss": loss, "gradient_norm": float(norm), "learning_rate_factor": factor}

    def _take_batch(self) -> Batch:
        """This iteration's batch; the next one is cut meanwhile."""
        batch = self._next_batch.result() if self._next_batch else self._batch(self.iteration)
        self._next_batch = self._loader.submit(self._batch, self.iteration + 1)
        return batch

    def _batch(self, iteration: int) -> Batch:
        config = self.config
        rng = np.random.default_rng((config.seed, iteration))
        picture = self.crops.batch(rng, config.batch, config.crop).to(self.device, memory_format=torch.channels_last)
        # One from each of as many equal parts of the range: every batch sees low and high rates.
        position = (np.arange(config.batch) + rng.random(config.batch)) / config.batch
        gains = config.gain_low + (position * (config.gain_high + 1 - config.gain_low)).astype(np.int64)
        return picture, torch.from_numpy(gains).to(self.device)

    def _set_gradients(self, picture: Tensor, gains: Tensor) -> float:
        """Sets every parameter's gradient, each part of the batch in its own thread; returns the loss."""
        parts = picture.chunk(self._parts), gains.chunk(self._parts)
        (loss, gradients), *others = self._workers.map(self._loss_and_gradients, range(self._parts), *parts)
        for other, more in others:
            loss += other
            torch._foreach_add_(gradients, more)
        for parameter, gradient in zip(self.model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        return loss

    def _loss_and_gradients(self, part: int, picture: Tensor, gains: Tensor) -> tuple[float, TensorList]:
        """A part's share of the loss and the gradients of all parameters."""
        config = self.config
        # Each part has noise of its own, whichever thread is first.
        noise = torch.Generator(self.device).manual_seed((config.seed + self.iteration) * 64 + part)
        noisy = self.iteration < config.noise_iterations
        loss = losses(self.model, picture, gains, config.distortion, noisy, noise).sum() / config.batch
        return float(loss.detach()), torch.autograd.grad(loss, list(self.model.parameters()))

    def _evaluate(self, means: dict[str, float]) -> None:
        averaged = self.average.module
        assert isinstance(averaged, CodecModel)
        points = evaluate(averaged, self.evaluation)
        row = {"iteration": self.iteration, "hours": round(self.seconds / 3600, 4)} | means
        for point in points:
            row |= {f"bpp_{point.gain_index}": point.bpp, f"psnr_{point.gain_index}": point.psnr_db}
            row |= {f"hyper_bpp_{point.gain_index}": point.hyper_bpp}
        log = self.folder / "log.csv"
        new = not log.exists()
        with log.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        plot_progress(log, self.folder / "progress.png")
        text = "  ".join(f"{p.bpp:.3f}/{p.psnr_db:.2f}" for p in points)
        tqdm.write(f"{self.iteration:7d}  {self.seconds / 3600:6.2f} h  loss {means.get('loss', 0):.4f}  {text}")

    def _save_healthy(self, watch: LossWatch) -> None:
        try:
            watch.check()
        except DivergenceError as error:
            raise DivergenceError(
                f"{error} before iteration {self.iteration}; {self.folder / CHECKPOINT} is from before that: "
                "go on from it with a lower muon_lr and adam_lr"
            ) from None
        self.save()

    def save(self) -> None:
        """Writes checkpoint.pt under a temporary name and renames it."""
        state = {
            "iteration": self.iteration,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        partial = self.folder / "checkpoint.partial"
        torch.save(state, partial)
        partial.rename(self.folder / CHECKPOINT)

    def _load(self, checkpoint: Path) -> None:
        state = torch.load(checkpoint, map_location=self.device, weights_only=True)
        self.iteration, self.seconds = state["iteration"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
