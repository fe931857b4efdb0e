"""Training of an entropy model between transforms that stay as they are: one player, a codec that lowers the rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from encoder.codecs import FloatCodec
from encoder.codecs.transforms import TransformFloatCodec

from ..config import TrainConfig
from ..data import CropSet
from ..settings import ConfigError
from .evaluation import RatePoint, evaluate
from .interface import Part, Player, TrainingTask
from .loss import balanced
from .renewal import renew


class EntropyModel(TrainingTask):
    """A codec whose transforms are those of the model that it starts from.

    Several times as many pictures an hour as training of the whole: neither transform needs a gradient, and the
    synthesis is not computed at all.
    """

    def __init__(self, config: TrainConfig, initial: FloatCodec[Any] | None, crops: CropSet, fresh: bool) -> None:
        """Freezes the transforms.

        Args:
          config: the run.
          initial: model with the transforms.
          crops: training data.
          fresh: whether the run begins.

        Raises:
          ConfigError: there is no model to start from, or its architecture is not the configured one.
        """
        if initial is None or initial.arch != config.build_architecture():
            raise ConfigError(f"task = {config.task!r} needs from_model, a model with the transforms to be kept")
        if not isinstance(initial, TransformFloatCodec):
            raise ConfigError(f"task = {config.task!r} needs a codec with transforms; {initial.arch.name} has none")
        self._config, self._crops = config, crops
        self.codec = initial
        for transform in (initial.analysis, initial.synthesis):
            transform.requires_grad_(False)
        self.players = [Player("codec", self.codec, self._rates)]

    def prepare(self, iteration: int) -> None:
        renew(self.codec, self._config, self._crops, iteration)

    def evaluate(self, network: nn.Module, pictures: Sequence[Tensor]) -> list[RatePoint]:
        return evaluate(cast(FloatCodec[Any], network), pictures)

    def _rates(self, part: Part) -> Tensor:
        """Balanced rate of each picture: [B] float32."""
        with torch.no_grad():
            analysed = self.codec.analyse(part.pictures)
        latents = self.codec.latents(analysed, part.gains)
        _, bits = self.codec.relax(latents, part.gains, False, part.generator)
        return balanced(bits / (part.pictures.shape[2] * part.pictures.shape[3]), part.gains)
