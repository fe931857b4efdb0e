"""What a training task is: players, each with weights and the losses it lowers; the loop keeps all else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from encoder.codecs import FloatCodec

from ..config import TrainConfig
from ..data import CropSet
from .evaluation import RatePoint


@dataclass(frozen=True)
class Part:
    """A part of a batch, of which one thread computes the losses.

    Attributes:
      pictures: [B, 3, H, W] float in [0, 1]; H and W multiples of 16.
      gains: [B] int64.
      iteration: of the run.
      generator: source of noise; None is a GPU's default one.
      kept: what the losses of one player leave to those of the next, within an iteration.
    """

    pictures: Tensor
    gains: Tensor
    iteration: int
    generator: torch.Generator | None
    kept: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Player:
    """Weights that move together.

    Attributes:
      name: of the player in checkpoints.
      network: its trained weights are those that take a gradient.
      losses: of a part's pictures, [B] float each; the mean over the batch is lowered.
    """

    name: str
    network: nn.Module
    losses: Callable[[Part], Tensor]


class TrainingTask(ABC):
    """What is trained.

    Attributes:
      players: they move one after another in every iteration; the first one's averaged weights are the result.
    """

    players: Sequence[Player]

    def prepare(self, iteration: int) -> None:  # noqa: B027
        """Called before every iteration, by one thread; by default there is nothing to prepare."""

    @abstractmethod
    def evaluate(self, network: nn.Module, pictures: Sequence[Tensor]) -> list[RatePoint]:
        """Rate and quality of a network in the first player's place on pictures [3, H, W] uint8."""


MakeTask = Callable[[TrainConfig, FloatCodec[Any] | None, CropSet, bool], TrainingTask]
"""Makes a task of a configuration, the model to start from, the data, and whether the run begins."""
