"""The training loop: resumable, averaged weights, mixed precision, a CSV log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from decoder_pkg.codecs.transforms.residual import to_channels_last
from encoder.codecs import FloatCodec, float_codec
from encoder.codecs.transforms import TransformFloatCodec
from eval.files import write_json

from ..config import TrainConfig
from ..data import CropSet, Cutter, TrainingBatch, fits, load_batches
from ..log import append_row, forget_rows_after, log_row
from ..run_folder import (
    CHECKPOINT,
    CONFIG,
    DAMAGED,
    DEVICES,
    LOG,
    PLOT,
    Checkpoint,
    RunError,
    first_line,
    read_checkpoint,
    write_checkpoint,
)
from ..settings import ConfigError
from ..tasks import adapt, evaluate, initialise_shortcut, losses, trained
from .captured import CapturedUpdate
from .divergence import DivergenceError, LossWatch
from .optimizers import build_optimizers, learning_rate_factor, restore, set_learning_rate
from .plots import plot_progress
from .winograd import is_faster, use_winograd

TensorList = tuple[Tensor, ...] | list[Tensor]
Values = dict[str, Tensor | float]
"""What an iteration reports; tensors are scalars that a GPU may not have computed yet."""

NOISE_OF_CROPS = 1023
"""Number of the noise of crops, beside those of the parts of a batch; on a GPU, of all noise."""

UNREAD = 50
"""Iterations whose values are left unread on a GPU: reading them waits for it."""

CHECKPOINT_SECONDS = 600


class Trainer:
    """State of one run in one folder: weights, optimisers, averaged weights, log."""

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        crops: CropSet,
        evaluation: list[Tensor],
        initial: FloatCodec[Any] | None = None,
    ) -> None:
        """Starts a run, or continues the one whose checkpoint lies in the folder.

        Args:
          config: the run.
          folder: its checkpoints and log.
          crops: training data.
          evaluation: [3, H, W] uint8 pictures.
          initial: model to start from; without one the linear shortcut starts from principal components.

        Raises:
          ConfigError: the configuration asks for larger crops than there are or another architecture than the initial
            model's.
          RunError: it is not that of the checkpoint, or a file of the folder is damaged.
        """
        if config.crop > crops.side:
            raise ConfigError(f"crop = {config.crop}, but the data are {crops.description}")
        arch = config.build_architecture()
        if initial and initial.arch != arch:
            raise ConfigError(f"the model to start from is no {arch.name}: {initial.arch} is not {arch}")
        self.config, self.folder, self.crops, self.evaluation = config, folder, crops, evaluation
        self._on_gpu = torch.cuda.is_available()
        self.device = torch.device("cuda" if self._on_gpu else "cpu")
        torch.manual_seed(config.seed)
        self.model = initial or float_codec(arch)
        self.iteration, self.seconds = 0, dict.fromkeys(DEVICES, 0.0)
        self.stopping = False
        folder.mkdir(parents=True, exist_ok=True)
        goes_on = (folder / CHECKPOINT).exists()
        if isinstance(self.model, TransformFloatCodec) and initial is None and not goes_on:
            initialise_shortcut(self.model, crops, np.random.default_rng(config.seed))
        to_channels_last(self.model.to(self.device))
        if not self._on_gpu and is_faster():
            use_winograd(self.model)
        if config.rank:
            adapt(self.model, config.rank)
        self._trained = trained(self.model)
        self._set_up_steps()
        self._batches: Iterator[TrainingBatch] | None = None
        self.average = deepcopy(self.model)
        self._averaged = trained(self.average)
        self.average.requires_grad_(False)
        self.optimizers = build_optimizers(self.model, config, self.device, self._map)
        if goes_on:
            self._load()
        forget_rows_after(folder / LOG, self.iteration)
        write_json(folder / CONFIG, asdict(config))

    def _set_up_steps(self) -> None:
        """How losses, updates and crops are computed on this machine."""
        # One thread for each part of a batch is 1.5 times as fast as all threads in every operation.
        self._parts = 1 if self._on_gpu else torch.get_num_threads()
        self._workers = ThreadPoolExecutor(self._parts, "part", torch.set_num_threads, (1,))
        self._map = self._workers.map if self._parts > 1 else map
        self._losses = torch.compile(losses, dynamic=False) if self._on_gpu else losses
        self._update = CapturedUpdate(self._update_now, self.device) if self._on_gpu else self._update_now
        crops, side = self.crops.crops, self.config.crop
        self._cutter = Cutter(crops, side, self.device) if fits(crops, self.device) else None

    def _update_average(self) -> None:
        decay = min(self.config.ema, (1 + self.iteration) / (10 + self.iteration))
        with torch.no_grad():
            torch._foreach_lerp_(self._averaged, self._trained, 1 - decay)

    def stop(self) -> None:
        """Lets `run` save and return after the iteration that is under way."""
        self.stopping = True

    def run(self, until: int | None = None) -> None:
        """Trains to the end of the configuration, or to an earlier iteration, and saves.

        Raises:
          DivergenceError: the loss rose; the checkpoint is that of at most ten minutes before.
        """
        end = min(until or self.config.iterations, self.config.iterations)
        saved = time.monotonic()
        started, unread = saved, list[Values]()
        recent: list[dict[str, float]] = []
        watch = LossWatch()
        progress = tqdm(total=end, initial=self.iteration, desc=self.folder.name, mininterval=10)
        try:
            while self.iteration < end and not self.stopping:
                unread.append(self.step())
                evaluates = self.iteration % self.config.evaluate_every == 0
                leaves = self.iteration == end or self.stopping
                if self._on_gpu and not evaluates and not leaves and len(unread) < UNREAD:
                    continue
                recent += [{key: float(value) for key, value in values.items()} for values in unread]
                for values in recent[-len(unread) :]:
                    watch.add(values["loss"])
                progress.update(len(unread))
                unread.clear()
                self.seconds[self.device.type] += time.monotonic() - started
                if evaluates:
                    self._evaluate({key: sum(row[key] for row in recent) / len(recent) for key in recent[0]})
                    recent.clear()
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save_healthy(watch)
                    saved = time.monotonic()
                started = time.monotonic()
        finally:
            progress.close()
            self._batches = None  # ends the processes that cut them at once; as garbage they would end seconds later
            self._save_healthy(watch)

    def step(self) -> Values:
        """One iteration; returns the loss, the gradient's norm and the learning-rate factor."""
        self.model.train()
        factor = learning_rate_factor(self.iteration, self.config)
        set_learning_rate(self.optimizers, factor)
        if self._batches is None:
            cut = self._cutter is None
            self._batches = load_batches(self.crops, self.config, self.iteration, self.device, cut)
        if self._on_gpu:
            torch.cuda.manual_seed(self._noise_seed(NOISE_OF_CROPS))
        update = self._update_now if self.iteration < self.config.noise_iterations else self._update
        loss, norm = update(next(self._batches))
        self._update_average()
        self.iteration += 1
        return {"loss": loss, "gradient_norm": norm, "learning_rate_factor": factor}

    def _update_now(self, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
        """Moves the weights; returns the loss and the gradient's norm. On a GPU nothing here waits for a value."""
        windows, variation, gains = batch.to(self.device)
        if self._cutter:
            windows = self._cutter.windows(windows)
        pictures = variation.apply(windows, self._generator(NOISE_OF_CROPS))
        loss = self._set_gradients(pictures.contiguous(memory_format=torch.channels_last), gains)
        norm = torch.nn.utils.clip_grad_norm_(self._trained, self.config.clip)
        # A gradient that is no number counts as none; asking whether it is one would wait for a GPU.
        if self._on_gpu or not torch.isfinite(norm):
            for parameter in self._trained:
                assert parameter.grad is not None
                parameter.grad = torch.where(torch.isfinite(norm), parameter.grad, 0.0)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss, norm

    def _generator(self, part: int) -> torch.Generator | None:
        """Noise of its own for every iteration and part of a batch, whichever thread is first; a GPU's default one."""
        if self._on_gpu:
            return None
        return torch.Generator().manual_seed(self._noise_seed(part))

    def _noise_seed(self, part: int) -> int:
        """A hash, so that no other seed, iteration or part has the same noise."""
        sequence = np.random.SeedSequence(self.config.seed, spawn_key=(self.iteration, part))
        return int(sequence.generate_state(1, np.uint64)[0])

    def _set_gradients(self, picture: Tensor, gains: Tensor) -> Tensor:
        """Sets every parameter's gradient, each part of the batch in its own thread; returns the loss."""
        parts = range(self._parts), picture.chunk(self._parts), gains.chunk(self._parts)
        (loss, gradients), *others = self._map(self._loss_and_gradients, *parts)
        for other, more in others:
            loss += other
            torch._foreach_add_(gradients, more)
        for parameter, gradient in zip(self._trained, gradients, strict=True):
            parameter.grad = gradient
        return loss

    def _loss_and_gradients(self, part: int, picture: Tensor, gains: Tensor) -> tuple[Tensor, TensorList]:
        """A part's share of the loss and the gradients of all parameters."""
        config = self.config
        noisy, noise = self.iteration < config.noise_iterations, self._generator(part)
        loss = self._losses(self.model, picture, gains, config.distortion, noisy, noise).sum() / config.batch
        return loss.detach(), torch.autograd.grad(loss, self._trained)

    def _evaluate(self, means: dict[str, float]) -> None:
        points = evaluate(self.average, self.evaluation)
        hours = sum(self.seconds.values()) / 3600
        append_row(self.folder / LOG, log_row(self.iteration, hours, means, points))
        plot_progress(self.folder / LOG, self.folder / PLOT)
        text = "  ".join(f"{p.bpp:.3f}/{p.psnr_db:.2f}" for p in points)
        tqdm.write(f"{self.iteration:7d}  {hours:6.2f} h  loss {means.get('loss', 0):.4f}  {text}")

    def _save_healthy(self, watch: LossWatch) -> None:
        try:
            watch.check()
        except DivergenceError as error:
            advice = "with a lower muon_lr and adam_lr"
            kept = self.folder / CHECKPOINT
            way = f"{kept} is from before that: go on from it" if kept.exists() else "nothing was saved: begin again"
            raise DivergenceError(f"{error} before iteration {self.iteration}; {way} {advice}") from None
        self.save()

    def save(self) -> None:
        """Writes checkpoint.pt; the one before stays until this one is whole."""
        weights = self.model.state_dict(), self.average.state_dict()
        states = [optimizer.state_dict() for optimizer in self.optimizers]
        write_checkpoint(self.folder, Checkpoint(self.iteration, self.seconds, *weights, states))

    def _load(self) -> None:
        checkpoint = read_checkpoint(self.folder, self.device)
        self.iteration, self.seconds = checkpoint.iteration, checkpoint.seconds
        try:
            self.model.load_state_dict(checkpoint.model)
            self.average.load_state_dict(checkpoint.average)
            restore(self.optimizers, checkpoint.optimizers, self.iteration)
        except DAMAGED as error:
            path = self.folder / CHECKPOINT
            raise RunError(f"{path} is damaged, or of another configuration: {first_line(error)}") from None
