"""The encoder's half of a codec that has nothing to learn: another coder makes the integers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from decoder_pkg.codecs import Architecture, Integers

from .settings import ModelSetting


class NotCoded(Exception):
    """The coder is not there, or cannot code this picture."""


class ConventionalCodec(ABC):
    """A conventional codec; its settings lie on the scale of gains, by their Lagrange multipliers.

    Attributes:
      architecture: type of the architecture that it serves.
      real_losses: share of a quick coding's losses that a real one is expected to have, in about as many bytes.
    """

    architecture: ClassVar[type[Architecture]]
    real_losses: ClassVar[float]

    @property
    @abstractmethod
    def version(self) -> str:
        """What streams and estimates depend on beside settings: of the library, and how it is called."""

    @abstractmethod
    def settings(self, model: int) -> list[ModelSetting]:
        """All settings of a model that are worth considering, by rising rate; no two give the same integers."""

    @abstractmethod
    def anchors(self, model: int) -> list[ModelSetting]:
        """Settings at which a picture is estimated; the first tells whether the others are worth it."""

    @abstractmethod
    def code(self, pixels: NDArray[np.uint8], setting: ModelSetting, quick: bool) -> Integers:
        """The integers of a picture.

        Args:
          pixels: [H, W, 3] uint8.
          setting: one of `settings`.
          quick: roughly, for an estimate.

        Raises:
          NotCoded: the coder is not installed, or cannot code this picture.
        """
