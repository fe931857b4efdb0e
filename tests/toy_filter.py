"""A post-filter in one file, both halves: a level that is added to every sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from decoder_pkg.entropy import Coder, decode_uniform, encode_uniform
from decoder_pkg.pixels.filters import FilterChain, PostFilter
from decoder_pkg.pixels.render import Tile, assemble
from decoder_pkg.weight_files import TensorFile, TensorReader
from encoder.filters import FilterEncoder
from encoder.pictures import Pixels

LEVELS = 16
"""Levels that can be told; half of them darken."""


class ToyFilter(PostFilter[int]):
    """The decoder's half; its weight is how much one level is."""

    name = "toy"
    reach = 0

    def __init__(self, file: TensorFile) -> None:
        self.unit = float(TensorReader(file.tensors).get("unit", np.float32))

    def added(self, parameters: int) -> float:
        """What is added to a sample, in 8-bit levels."""
        return self.unit * (parameters - LEVELS // 2)

    def read(self, coder: Coder, gain: int) -> int:
        return decode_uniform(coder, LEVELS)

    def write(self, coder: Coder, parameters: int, gain: int) -> None:
        encode_uniform(coder, parameters, LEVELS)

    def apply(self, picture: Tensor, parameters: int) -> Tensor:
        return picture + self.added(parameters) / 255


@dataclass(frozen=True)
class DifferentiableToy:
    """The filter with a gradient."""

    added: float

    def __call__(self, levels: Tensor) -> Tensor:
        return levels + self.added

    def restart(self) -> None:
        """Nothing is kept."""


class ToyFilterEncoder(FilterEncoder[int]):
    """The encoder's half: the level that is missing on average."""

    version = 1

    def fit(
        self, post_filter: PostFilter[int], pixels: Pixels, tiles: Sequence[Tile], gain: int, multiplier: float
    ) -> int | None:
        assert isinstance(post_filter, ToyFilter)
        height, width = pixels.shape[:2]
        shown = assemble(tiles, height, width, FilterChain())
        missing = (pixels.astype(float) - shown).mean() / post_filter.unit
        level = int(np.clip(np.round(missing) + LEVELS // 2, 0, LEVELS - 1))
        return level if post_filter.added(level) else None

    def bits(self, post_filter: PostFilter[int], parameters: int) -> float:
        return float(np.log2(LEVELS))

    def differentiable(self, post_filter: PostFilter[int], parameters: int) -> DifferentiableToy:
        assert isinstance(post_filter, ToyFilter)
        return DifferentiableToy(post_filter.added(parameters))
