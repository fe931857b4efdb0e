"""How the encoder fits a post-filter to a picture, and sends gradients through it while latents are refined."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from torch import Tensor

from decoder_pkg.pixels.filters import PostFilter
from decoder_pkg.pixels.render import Tile

from ..pictures import Pixels

Parameters = TypeVar("Parameters")


class DifferentiableFilter(Protocol):
    """A post-filter in the decoder that refinement sees; for one picture, which changes little from call to call."""

    def __call__(self, levels: Tensor) -> Tensor:
        """Levels [3, H, W] float in 0 to 255 to the filtered ones, differentiable."""

    def restart(self) -> None:
        """Forgets the gradients that it kept of earlier calls."""


class FilterEncoder(ABC, Generic[Parameters]):
    """The encoder's half of one kind of post-filter.

    Attributes:
      version: changes with what is fitted to a picture; a part of every key under which candidates are kept.
    """

    version: ClassVar[int]

    @abstractmethod
    def fit(
        self, post_filter: PostFilter[Parameters], pixels: Pixels, tiles: Sequence[Tile], gain: int, multiplier: float
    ) -> Parameters | None:
        """The parameters of least rate and squared error; None where the filter does not
        lower their sum.

        Args:
          post_filter: the one to fit.
          pixels: the original, [H, W, 3] uint8.
          tiles: of the decoded picture, not filtered by it.
          gain: gain index.
          multiplier: Lagrange multiplier, squared error per byte.
        """

    @abstractmethod
    def bits(self, post_filter: PostFilter[Parameters], parameters: Parameters) -> float:
        """What the parameters take in a payload."""

    @abstractmethod
    def differentiable(self, post_filter: PostFilter[Parameters], parameters: Parameters) -> DifferentiableFilter:
        """The post-filter with these parameters, differentiable in the picture."""
