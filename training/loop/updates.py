"""Updates of all players' weights from a batch: in threads on a CPU, as a captured graph on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from decoder_pkg.codecs.transforms.synthesis import to_channels_last
from eval.machine import use_one_thread

from ..config import TrainConfig
from ..data import CropSet, Cutter, TrainingBatch, fits
from ..tasks import Part, Player, TrainingTask, adapt, trained
from .captured import CapturedUpdate
from .optimizers import build_optimizers, learning_rate_factor, set_learning_rate
from .winograd import is_faster, use_winograd

Gradients = tuple[Tensor, ...] | list[Tensor]

NOISE_OF_CROPS = 1023
"""Number of the noise of crops, beside those of the parts of a batch; on a GPU, of all noise."""


class Updates:
    """How losses and updates are computed on this machine.

    Attributes:
      device: that computes.
      cutter: cuts the windows of crops on the device; None where other processes do.
      optimizers: of all players, in their order.
    """

    def __init__(self, task: TrainingTask, config: TrainConfig, crops: CropSet) -> None:
        """Places the players' networks and makes their optimisers."""
        self._config, self._players, self._iteration = config, task.players, 0
        self._on_gpu = torch.cuda.is_available()
        self.device = torch.device("cuda" if self._on_gpu else "cpu")
        # One thread for each part of a batch is 1.5 times as fast as all threads in every operation.
        self._parts = 1 if self._on_gpu else torch.get_num_threads()
        self._workers = ThreadPoolExecutor(self._parts, "part", use_one_thread)
        self._map: Callable[..., Iterable[Any]] = self._workers.map if self._parts > 1 else map
        for player in task.players:
            self._place(player.network)
        if config.rank:  # once placed: a convolution to which something is added is left alone there
            adapt(task.players[0].network, config.rank)
        self._trained = [trained(player.network) for player in task.players]
        self._own = [build_optimizers(player.network, config, self.device, self._map) for player in task.players]
        self.cutter = Cutter(crops.crops, config.crop, self.device) if fits(crops.crops, self.device) else None
        self._captured = CapturedUpdate(self._update, self.device) if self._on_gpu else self._update

    @property
    def optimizers(self) -> list[Optimizer]:
        return [optimizer for own in self._own for optimizer in own]

    def _place(self, network: nn.Module) -> None:
        to_channels_last(network.to(self.device))
        if not self._on_gpu and is_faster():
            use_winograd(network)

    def move(self, batch: TrainingBatch, iteration: int) -> dict[str, Tensor | float]:
        """One iteration of all players; returns the first one's loss and gradient's norm, and the rates' factor.

        On a GPU nothing here waits for a value.
        """
        self._iteration = iteration
        for player in self._players:
            player.network.train()
        factor = learning_rate_factor(iteration, self._config)
        set_learning_rate(self.optimizers, factor)
        if self._on_gpu:
            torch.cuda.manual_seed(self._noise_seed(NOISE_OF_CROPS))
        update = self._update if iteration < self._config.noise_iterations else self._captured
        loss, norm = update(batch)
        return {"loss": loss, "gradient_norm": norm, "learning_rate_factor": factor}

    def _update(self, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
        windows, variation, gains = batch.to(self.device)
        if self.cutter:
            windows = self.cutter.windows(windows)
        pictures = variation.apply(windows, self._generator(NOISE_OF_CROPS))
        parts = self._split(pictures.contiguous(memory_format=torch.channels_last), gains)
        moves = zip(self._players, self._trained, self._own, strict=True)
        (first, *_) = [self._move_player(player, weights, own, parts) for player, weights, own in moves]
        return first

    def _split(self, pictures: Tensor, gains: Tensor) -> list[Part]:
        """The parts of a batch, each with noise of its own."""
        chunks = zip(pictures.chunk(self._parts), gains.chunk(self._parts), strict=True)
        return [Part(*chunk, self._iteration, self._generator(number)) for number, chunk in enumerate(chunks)]

    def _move_player(
        self, player: Player, weights: list[Tensor], optimizers: list[Optimizer], parts: list[Part]
    ) -> tuple[Tensor, Tensor]:
        """Moves one player's weights; returns its loss and its gradient's norm."""
        compute = partial(_loss_and_gradients, player, weights, self._config.batch)
        (loss, gradients), *others = self._map(compute, parts)
        for other, more in others:
            loss += other
            torch._foreach_add_(gradients, more)
        for parameter, gradient in zip(weights, gradients, strict=True):
            parameter.grad = gradient
        norm = torch.nn.utils.clip_grad_norm_(weights, self._config.clip)
        # A gradient that is no number counts as none; asking whether it is one would wait for a GPU.
        if self._on_gpu or not torch.isfinite(norm):
            for parameter in weights:
                assert parameter.grad is not None
                parameter.grad = torch.where(torch.isfinite(norm), parameter.grad, 0.0)
        for optimizer in optimizers:
            optimizer.step()
        return loss, norm

    def _generator(self, part: int) -> torch.Generator | None:
        """Noise of its own for every iteration and part of a batch, whichever thread is first; a GPU's default one."""
        if self._on_gpu:
            return None
        return torch.Generator().manual_seed(self._noise_seed(part))

    def _noise_seed(self, part: int) -> int:
        """A hash, so that no other seed, iteration or part has the same noise."""
        sequence = np.random.SeedSequence(self._config.seed, spawn_key=(self._iteration, part))
        return int(sequence.generate_state(1, np.uint64)[0])


def _loss_and_gradients(player: Player, weights: list[Tensor], batch: int, part: Part) -> tuple[Tensor, Gradients]:
    """A part's share of a player's loss and the gradients of its weights."""
    loss = player.losses(part).sum() / batch
    return loss.detach(), torch.autograd.grad(loss, weights)
