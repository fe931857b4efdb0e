"""How the encoder fits a post-filter to a picture, and follows it while latents are refined."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from torch import Tensor

from decoder_pkg.pixels.filters import PixelFilter
from decoder_pkg.pixels.render import Tile

from ..pictures import Pixels

Parameters = TypeVar("Parameters")


class Following(Protocol):
    """A filter as refinement sees it; it serves one picture, which changes a little from call to call."""

    def __call__(self, levels: Tensor) -> Tensor:
        """Levels [3, H, W] float in 0 to 255 to the filtered ones, differentiable."""

    def restart(self) -> None:
        """Forgets what it kept of earlier calls."""


class FilterEncoder(ABC, Generic[Parameters]):
    """The encoder's half of one kind of post-filter."""

    @abstractmethod
    def fit(
        self, link: PixelFilter[Parameters], pixels: Pixels, tiles: Sequence[Tile], gain: int, multiplier: float
    ) -> Parameters | None:
        """The parameters of least rate and squared error; None where the filter does not seem to pay.

        Args:
          link: the filter.
          pixels: the original, [H, W, 3] uint8.
          tiles: of the decoded picture, not filtered by it.
          gain: gain index.
          multiplier: Lagrange multiplier, squared error per byte.
        """

    @abstractmethod
    def bits(self, link: PixelFilter[Parameters], parameters: Parameters) -> float:
        """What the parameters take in a payload."""

    @abstractmethod
    def follow(self, link: PixelFilter[Parameters], parameters: Parameters) -> Following:
        """The filter as refinement sees it."""
