"""The training loop: resumable, averaged weights, a CSV log; what is trained is a task's affair."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from encoder.codecs import FloatCodec
from eval.storage import write_json

from ..config import TrainConfig
from ..data import CropSet, TrainingBatch, load_batches
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
from ..tasks import MakeTask, Player, task_of, trained
from .divergence import DivergenceError, LossWatch
from .optimizers import restore
from .plots import plot_progress
from .updates import Updates

Values = dict[str, Tensor | float]
"""What an iteration reports; tensors are scalars that a GPU may not have computed yet."""

UNREAD = 50
"""Iterations whose values are left unread on a GPU: reading them waits for it."""

CHECKPOINT_SECONDS = 600


class Trainer:
    """State of one run in one folder: a task's players, averaged weights, log."""

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        crops: CropSet,
        evaluation: list[Tensor],
        initial: FloatCodec[Any] | None = None,
        make_task: MakeTask | None = None,
    ) -> None:
        """Starts a run, or continues the one whose checkpoint lies in the folder.

        Args:
          config: the run.
          folder: its checkpoints and log.
          crops: training data.
          evaluation: [3, H, W] uint8 pictures.
          initial: model to start from.
          make_task: makes what is trained, where it is none of the table.

        Raises:
          ConfigError: the configuration asks for larger crops than there are or another architecture than the initial
            model's.
          RunError: it is not that of the checkpoint, or a file of the folder is damaged.
        """
        if config.crop > crops.side:
            raise ConfigError(f"crop = {config.crop}, but the data are {crops.description}")
        self.config, self.folder, self.crops, self.evaluation = config, folder, crops, evaluation
        torch.manual_seed(config.seed)
        self.iteration, self.seconds = 0, dict.fromkeys(DEVICES, 0.0)
        self.stopping = False
        goes_on = (folder / CHECKPOINT).exists()
        self.task = (make_task or task_of(config))(config, initial, crops, not goes_on)
        folder.mkdir(parents=True, exist_ok=True)
        self.updates = Updates(self.task, config, crops)
        self.model = self.task.players[0].network
        self.average = deepcopy(self.model)
        self._weights, self._averaged = trained(self.model), trained(self.average)
        self.average.requires_grad_(False)
        self._batches: Iterator[TrainingBatch] | None = None
        if goes_on:
            self._load()
        forget_rows_after(folder / LOG, self.iteration)
        write_json(folder / CONFIG, asdict(config))

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
        watch, on_gpu = LossWatch(), self.updates.device.type == "cuda"
        progress = tqdm(total=end, initial=self.iteration, desc=self.folder.name, mininterval=10)
        try:
            while self.iteration < end and not self.stopping:
                unread.append(self.step())
                evaluates = self.iteration % self.config.evaluate_every == 0
                leaves = self.iteration == end or self.stopping
                if on_gpu and not evaluates and not leaves and len(unread) < UNREAD:
                    continue
                recent += [{key: float(value) for key, value in values.items()} for values in unread]
                for values in recent[-len(unread) :]:
                    watch.add(values["loss"])
                progress.update(len(unread))
                unread.clear()
                self.seconds[self.updates.device.type] += time.monotonic() - started
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
        if self._batches is None:
            cut = self.updates.cutter is None
            self._batches = load_batches(self.crops, self.config, self.iteration, self.updates.device, cut)
        self.task.prepare(self.iteration)
        values = self.updates.move(next(self._batches), self.iteration)
        decay = min(self.config.ema, (1 + self.iteration) / (10 + self.iteration))
        with torch.no_grad():
            torch._foreach_lerp_(self._averaged, self._weights, 1 - decay)
        self.iteration += 1
        return values

    def _evaluate(self, means: dict[str, float]) -> None:
        points = self.task.evaluate(self.average, self.evaluation)
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
        weights = _states(self.task.players), self.average.state_dict()
        states = [optimizer.state_dict() for optimizer in self.updates.optimizers]
        write_checkpoint(self.folder, Checkpoint(self.iteration, self.seconds, *weights, states))

    def _load(self) -> None:
        checkpoint = read_checkpoint(self.folder, self.updates.device)
        self.iteration, self.seconds = checkpoint.iteration, checkpoint.seconds
        try:
            for player in self.task.players:
                prefix = f"{player.name}."
                own = {k.removeprefix(prefix): value for k, value in checkpoint.model.items() if k.startswith(prefix)}
                player.network.load_state_dict(own)
            self.average.load_state_dict(checkpoint.average)
            restore(self.updates.optimizers, checkpoint.optimizers, self.iteration)
        except DAMAGED as error:
            path = self.folder / CHECKPOINT
            raise RunError(f"{path} is damaged, or of another configuration: {first_line(error)}") from None


def _states(players: Sequence[Player]) -> dict[str, Tensor]:
    """Weights of all players' networks, named `<player>.<weight>`."""
    return {f"{p.name}.{name}": value for p in players for name, value in p.network.state_dict().items()}
