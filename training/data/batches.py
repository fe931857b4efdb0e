"""The batch of every iteration of a training run, cut by other processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..config import TrainConfig
from .crops import CropSet
from .variation import Variation, draw

PLACING = 4
"""Processes that draw places where a GPU cuts the windows: a little work for each batch."""


class TrainingBatch(NamedTuple):
    """What a training iteration sees.

    Attributes:
      windows: [B, 3, S, S] uint8, or their places [B, 7] int64 where a GPU cuts them, see `training.data.cutting`.
      variation: of these.
      gains: [B] int64 gain indices.
    """

    windows: Tensor
    variation: Variation
    gains: Tensor

    def tensors(self) -> tuple[Tensor, ...]:
        """All of them in one row."""
        return self.windows, *self.variation, self.gains

    def to(self, device: torch.device) -> TrainingBatch:
        """The same batch on a device."""
        windows, *variation, gains = (part.to(device) for part in self.tensors())
        return TrainingBatch(windows, Variation(*variation), gains)


class TrainingBatches(Dataset[TrainingBatch]):
    """The batch of every iteration of a run; each depends on the run's seed and the iteration alone."""

    def __init__(self, crops: CropSet, config: TrainConfig, cut: bool = True) -> None:
        self._crops, self._config, self._cut = crops, config, cut

    def __getitem__(self, iteration: int) -> TrainingBatch:
        config = self._config
        rng = np.random.default_rng((config.seed, iteration))
        places = self._crops.place(rng, config.batch, config.crop)
        windows = self._crops.windows(places, config.crop) if self._cut else places
        # One from each of as many equal parts of the range: every batch sees low and high rates.
        position = (np.arange(config.batch) + rng.random(config.batch)) / config.batch
        gains = config.gain_low + (position * (config.gain_high + 1 - config.gain_low)).astype(np.int64)
        return TrainingBatch(windows, draw(rng, config.batch), torch.from_numpy(gains))


def load_batches(
    crops: CropSet, config: TrainConfig, first: int, device: torch.device, cut: bool = True
) -> Iterator[TrainingBatch]:
    """Batches from an iteration to the run's last one; for a GPU in pinned memory.

    Args:
      crops: training data.
      config: of the run.
      first: iteration.
      device: that trains.
      cut: whether other processes cut the windows; for a GPU all cores but one do.
    """
    on_gpu, others = device.type == "cuda", len(os.sched_getaffinity(0)) - 1
    workers = max(1, others if cut else min(others, PLACING)) if on_gpu else 1
    return iter(
        DataLoader(
            TrainingBatches(crops, config, cut),
            batch_size=None,
            sampler=range(first, config.iterations),
            num_workers=workers,
            pin_memory=on_gpu,
            multiprocessing_context="fork",  # the others would copy the crops
            worker_init_fn=_leave_signals_to_parent,
        )
    )


def _leave_signals_to_parent(worker: int) -> None:
    """A signal to the whole group must not end the processes that cut batches before the parent has saved.

    They do not ignore it: at its own end the parent sends one to those that are left, and waits.
    """
    os.setpgid(0, 0)
