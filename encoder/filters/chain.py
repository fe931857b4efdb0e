"""The chain of post-filters of one picture: each is fitted after those before it, and kept where it pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from decoder_pkg.pixels.filters import FilterChain, FilterLink, PostFilter
from decoder_pkg.pixels.render import Tile, assemble
from eval.metrics import squared_error

from ..pictures import Pixels
from .interface import DifferentiableFilter, FilterEncoder
from .linear import LinearEncoder

FILTER_ENCODERS: dict[str, FilterEncoder[Any]] = {"linear": LinearEncoder()}
"""The encoder's half of each kind of the decoder's table of filters."""


def fit_chain(
    filters: Mapping[int, PostFilter[Any]], pixels: Pixels, tiles: Sequence[Tile], gain: int, multiplier: float
) -> tuple[FilterChain, Pixels]:
    """The filters that pay on the pixels as they are shown, clamped and rounded, and the picture they leave.

    Args:
      filters: of the bundle, in the order in which they are applied.
      pixels: the original, [H, W, 3] uint8.
      tiles: of the decoded picture, not filtered.
      gain: gain index.
      multiplier: Lagrange multiplier, squared error per byte.
    """
    links: dict[int, FilterLink] = {}
    height, width = pixels.shape[:2]
    shown = assemble(tiles, height, width, FilterChain())
    for number, post_filter in filters.items():
        encoder = FILTER_ENCODERS[post_filter.name]
        parameters = encoder.fit(post_filter, pixels, tiles, gain, multiplier)
        if parameters is None:
            continue
        link = FilterLink(post_filter, parameters)
        filtered = [replace(tile, picture=post_filter.apply(tile.picture, parameters)) for tile in tiles]
        pictured = assemble(filtered, height, width, FilterChain())
        price = multiplier / 8 * encoder.bits(post_filter, parameters)
        if squared_error(pixels, pictured) + price < squared_error(pixels, shown):
            links[number], tiles, shown = link, filtered, pictured
    return FilterChain(links), shown


def chain_bits(chain: FilterChain) -> float:
    """Bits of the side information of a chain."""
    links = chain.links.values()
    return sum(FILTER_ENCODERS[link.filter.name].bits(link.filter, link.parameters) for link in links)


class DifferentiableChain(DifferentiableFilter):
    """The chain in the decoder that refinement sees: levels to filtered levels, clamped where there is a filter."""

    def __init__(self, chain: FilterChain) -> None:
        links = chain.links.values()
        self._steps = [FILTER_ENCODERS[link.filter.name].differentiable(link.filter, link.parameters) for link in links]

    def __call__(self, levels: Tensor) -> Tensor:
        for step in self._steps:
            levels = step(levels).clamp(0, 255)
        return levels

    def restart(self) -> None:
        for step in self._steps:
            step.restart()
