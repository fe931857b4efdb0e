"""Latents coded in four steps: at each one every position gets a quarter of its channels.

The four positions of a 2x2 cell take turns over four groups of channels, so that each group is known at one, two and
three of the four positions before it is coded at the last one, and mean and scale are predicted from all that is
known (the quadtree partition of Li et al. 2023, "Neural Video Compression with Diverse Contexts", section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...entropy import (
    ACTIVATION_LIMIT,
    CodingStep,
    Exchange,
    Grid,
    Integers,
    ScaledSymbols,
    clamp_activation,
    latent_unit,
    leaky,
    magnitudes,
)
from ..hyper_decoder import FULL_HYPER, SMOKE_HYPER, HyperArchitecture, ScaledCodec, hyper_layers
from ..interface import LATENTS
from ..layers import MEAN_EXPONENT, POINT, SCALE, SQUARE, Layer
from ..transforms import SMOKE, full

GROUPS = 4
TURNS = (0, 3, 1, 2)
"""At step s the position of parity p = 2 * (row % 2) + column % 2 codes group p ^ TURNS[s]: diagonals first."""

BAND_POSITIONS = 2**14
"""Positions whose parameters are computed at once: bounds the memory of a large picture."""


@dataclass(frozen=True)
class QuadtreeArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are as wide as the context network.

    Attributes:
      embed_width: channels to which known latents are reduced.
    """

    embed_width: int


ARCHITECTURES = (
    QuadtreeArchitecture(id=3, name="quadtree", transforms=full(256), feature_width=192, embed_width=96, **FULL_HYPER),
    QuadtreeArchitecture(
        id=201, name="smoke-quadtree", transforms=SMOKE, feature_width=16, embed_width=16, **SMOKE_HYPER
    ),
)


class QuadtreeCodec(ScaledCodec[QuadtreeArchitecture]):
    """Means and scales from the hyper-latents and from all latents of earlier steps."""

    architectures = ARCHITECTURES

    @staticmethod
    def layers(arch: QuadtreeArchitecture) -> Sequence[Layer]:
        channels, width, embed = arch.latent_channels, arch.feature_width, "context.embed"
        sums = ("hyper.scale", *(f"context.enter{step}" for step in range(1, GROUPS)))
        rows = [
            *hyper_layers(arch, sums),
            Layer(embed, embed, POINT, 2 * channels, arch.embed_width, MEAN_EXPONENT, (embed,)),
        ]
        for step in range(1, GROUPS):
            module = f"context.enter.{step - 1}"
            rows.append(Layer(f"context.enter{step}", module, SQUARE, arch.embed_width, width, embed, sums))
        for step in range(GROUPS):
            hidden = f"context.hidden{step}"
            rows.append(Layer(hidden, f"context.hidden.{step}", POINT, width, width, "hyper.scale", (hidden,)))
            for name, peak in (("context.mean", MEAN_EXPONENT), ("context.scale", SCALE)):
                rows.append(Layer(f"{name}{step}", f"{name}.{step}", POINT, width, channels, hidden, peak, GROUPS))
        return rows

    def walk_latents(self, latents: Grid, features: Grid, q: int, exchange: Exchange) -> None:
        height, width = latents.shape[:2]
        per_group = self.arch.latent_channels // GROUPS
        known = np.zeros((height, width, self.arch.embed_width))
        for turn in range(GROUPS):
            positions = np.arange(height * width) * GROUPS
            rows = positions + groups_at(turn, height, width).reshape(-1)
            mean, index = self._predict(features, known, turn, q)
            total = mean + latents.reshape(-1, per_group)[rows]
            step = CodingStep(LATENTS, rows, total, latent_unit(q), ScaledSymbols(self._tables, index))
            residuals = step.residuals(exchange(step))
            latents.reshape(-1, per_group)[rows] = total + residuals
            if turn < GROUPS - 1:
                self._learn(known, turn, np.clip(residuals + mean, -ACTIVATION_LIMIT, ACTIVATION_LIMIT), residuals)

    def _learn(self, known: Integers, turn: int, values: Grid, residuals: Grid) -> None:
        """Adds the groups [h * w, M / GROUPS] that a step has coded to the sums [h, w, E] of the embedding layer.

        It sees values and magnitudes of all channels; what is not known yet is zero there.
        """
        height, width = known.shape[:2]
        weight = self._context["context.embed"].weight.reshape(2, GROUPS, values.shape[1], -1)
        news = np.stack([values, magnitudes(residuals)], axis=1).reshape(height, width, -1)
        for parity in range(GROUPS):
            places = np.s_[parity // 2 :: 2, parity % 2 :: 2]
            of_group = weight[:, parity ^ TURNS[turn]].reshape(news.shape[2], -1)
            known[places] += news[places].astype(np.float64) @ of_group

    def _predict(self, features: Grid, known: Integers, turn: int, q: int) -> tuple[Grid, NDArray[np.uint8]]:
        """Offset of the mean, and table, [h * w, M / GROUPS] of the group each position codes at this step."""
        height, width, channels = *known.shape[:2], self.arch.latent_channels
        mean = np.empty((height, width, channels // GROUPS), dtype=np.int32)
        table = np.empty(mean.shape, dtype=np.uint8)
        band = max(2, BAND_POSITIONS // width // 2 * 2)
        for top in range(0, height, band):
            bottom = min(top + band, height)
            x = self._hidden(features, known, turn, slice(top, bottom))
            for parity in range(GROUPS):
                down, across, group = parity // 2, parity % 2, parity ^ TURNS[turn]
                part = x[down::2, across::2]
                flat = part.reshape(-1, part.shape[2])
                shape = (*part.shape[:2], channels // GROUPS)
                target = np.s_[top + down : bottom : 2, across::2]
                mean[target] = self._context[f"context.mean{turn}.{group}"].columns(flat).reshape(shape)
                scale = self._context[f"context.scale{turn}.{group}"].columns(flat).reshape(shape)
                table[target] = self._tables.index(scale, q)
        return mean.reshape(height * width, -1), table.reshape(height * width, -1)

    def _hidden(self, features: Grid, known: Integers, turn: int, rows: slice) -> Integers:
        """What means and scales of some rows of the grid are made of: [rows, w, C]."""
        x: Integers = features[rows].astype(np.float64)
        if turn:
            outer = slice(max(0, rows.start - 1), min(known.shape[0], rows.stop + 1))
            embedded = leaky(self._context["context.embed"].finish(known[outer].copy()))
            context = self._context[f"context.enter{turn}"].grid(embedded)
            x = clamp_activation(x + context[rows.start - outer.start : rows.stop - outer.start])
        return leaky(self._context[f"context.hidden{turn}"].grid(leaky(x)))


def groups_at(turn: int, height: int, width: int) -> NDArray[np.intp]:
    """[h, w] which group of channels each position codes at a step."""
    parity = 2 * (np.arange(height) % 2)[:, None] + np.arange(width) % 2
    return np.asarray(parity ^ TURNS[turn], dtype=np.intp)
