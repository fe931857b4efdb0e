"""Tiles with overlap: large grids pass through a network in parts of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in cells of the grid.

    Attributes:
      start, stop: the cells this tile is responsible for.
      outer_start, outer_stop: the cells it must see, clipped to the grid.
    """

    start: int
    stop: int
    outer_start: int
    outer_stop: int

    @property
    def outer(self) -> slice:
        """The cells the tile must see."""
        return slice(self.outer_start, self.outer_stop)

    def narrowed(self, reach: int) -> Span:
        """The same tile, of which no more than `reach` cells beside its own are seen."""
        outer_start, outer_stop = max(self.outer_start, self.start - reach), min(self.outer_stop, self.stop + reach)
        return Span(self.start, self.stop, outer_start, outer_stop)

    def target(self, stride: int, limit: int) -> slice:
        """Where the tile's result goes, in samples of which a cell has `stride`; there are `limit` in all."""
        return slice(self.start * stride, min(self.stop * stride, limit))

    def source(self, stride: int, limit: int) -> slice:
        """Where that result lies within what the tile's outer cells yield."""
        target = self.target(stride, limit)
        return slice(target.start - self.outer_start * stride, target.stop - self.outer_start * stride)


def spans(size: int, tile: int, reach: int) -> Iterator[Span]:
    """Cuts an axis of `size` cells into tiles that see `reach` more cells on both sides."""
    for start in range(0, size, tile):
        stop = min(start + tile, size)
        yield Span(start, stop, max(0, start - reach), min(size, stop + reach))


def tiles(size: tuple[int, int], tile: int, reach: int) -> Iterator[tuple[Span, Span]]:
    """Cuts a grid of this height and width into square tiles, row by row; each is a span down and one across."""
    for down in spans(size[0], tile, reach):
        for across in spans(size[1], tile, reach):
            yield down, across
