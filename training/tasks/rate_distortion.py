"""Rate-distortion training: one player, a codec that lowers bits and distortion at the lambda of each gain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from encoder.codecs import FloatCodec, float_codec
from encoder.codecs.transforms import TransformFloatCodec

from ..config import TrainConfig
from ..data import CropSet
from ..settings import ConfigError
from .evaluation import RatePoint, evaluate
from .initialise import initialise_shortcut
from .interface import Part, Player, TrainingTask
from .loss import losses
from .renewal import renew


class RateDistortion(TrainingTask):
    """A codec of the configured architecture, from another model's weights or from nothing."""

    def __init__(self, config: TrainConfig, initial: FloatCodec[Any] | None, crops: CropSet, fresh: bool) -> None:
        """Makes the codec.

        Args:
          config: the run.
          initial: model to start from; without one the linear shortcut starts from principal components.
          crops: training data.
          fresh: whether the run begins; one that goes on has weights of its own.

        Raises:
          ConfigError: the model to start from has another architecture than is configured, or frozen weights.
        """
        arch = config.build_architecture()
        if initial and initial.arch != arch:
            raise ConfigError(f"the model to start from is no {arch.name}: {initial.arch} is not {arch}")
        if initial and not all(weight.requires_grad for weight in initial.parameters()):
            raise ConfigError(
                "the model to start from has frozen weights, which would not be trained: thaw a copy of it"
            )
        self._config, self._crops = config, crops
        self.codec = initial or float_codec(arch)
        if isinstance(self.codec, TransformFloatCodec) and initial is None and fresh:
            initialise_shortcut(self.codec, crops, np.random.default_rng(config.seed))
        self._losses = torch.compile(losses, dynamic=False) if torch.cuda.is_available() else losses
        self.players = [Player("codec", self.codec, self._codec_losses)]

    def prepare(self, iteration: int) -> None:
        renew(self.codec, self._config, self._crops, iteration)

    def evaluate(self, network: nn.Module, pictures: Sequence[Tensor]) -> list[RatePoint]:
        return evaluate(cast(FloatCodec[Any], network), pictures)

    def _codec_losses(self, part: Part) -> Tensor:
        noisy = part.iteration < self._config.noise_iterations
        found: Tensor = self._losses(
            self.codec, part.pictures, part.gains, self._config.distortion, noisy, part.generator
        )
        return found
