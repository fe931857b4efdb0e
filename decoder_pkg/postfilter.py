"""The interface of post-filters: they improve a reconstructed picture by a strength the encoder chose."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

M_MAX = 255
"""The strength m on the wire is in [0, M_MAX]; 0 leaves the picture as it is."""


class PostFilter(Protocol):
    """A filter over float pictures.

    Attributes:
      reach: how many pixels away a sample can still change another.
    """

    reach: int

    def __call__(self, picture: Tensor, strength: float) -> Tensor:
        """Filters [1, 3, H, W] float, nominally in [0, 1], with a strength in (0, 1]."""
        ...
