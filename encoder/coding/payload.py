"""Float latents to integers to bytes: the mirror of decoder_pkg.payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.codecs import LATENTS, CodingSetting, IntegerCodec, Integers, Size
from decoder_pkg.entropy import CodingStep, Grid, new_payload, shortest_payload
from decoder_pkg.payload import SideInformation, write_side_information

from ..codecs import FloatCodec, Latents, Relaxation
from .rounding import Rounding, nearest


@dataclass(frozen=True)
class QuantisedPicture:
    """The integers of one picture, in coding order.

    Attributes:
      steps: what is coded together.
      symbols: [n, K] int32 for each step, y_q of Zhao et al. 2021, Eq. 3.
      integers: what the symbols stand for, by grid.
    """

    steps: tuple[CodingStep, ...]
    symbols: tuple[Grid, ...]
    integers: Integers

    @property
    def ideal_bits(self) -> float:
        """Information content under the integer tables, before the range coder's rounding."""
        coded = zip(self.steps, self.symbols, strict=True)
        return float(sum(step.symbols.bits(symbols).sum() for step, symbols in coded))


def quantise(
    codec: IntegerCodec[Any],
    latents: Mapping[str, NDArray[np.float32]],
    size: Size,
    setting: CodingSetting,
    rounding: Rounding = nearest,
    weight: NDArray[np.float32] | None = None,
) -> QuantisedPicture:
    """Rounds float latents around the decoder's own integer means.

    Args:
      codec: the integer model.
      latents: [h, w, C] float for each grid, in units of the quantisation step at q = 1.
      size: of the picture, in pixels.
      setting: how it is coded.
      rounding: of the latents; all other grids go to the nearest integer.
      weight: [h, w] of the distortion of each position's latents; 1 by default.
    """
    grids = codec.grids(size)
    weights = np.ones(grids[LATENTS].plane, dtype=np.float32) if weight is None else weight
    steps: list[CodingStep] = []
    symbols: list[Grid] = []

    def exchange(step: CodingStep) -> Grid:
        shape = grids[step.grid]
        apart = step.of(latents[step.grid]).astype(np.float32) - step.mean / np.float32(shape.steps)
        residuals = (apart * (shape.steps / step.unit)).astype(np.float32)
        if step.grid == LATENTS:
            positions = step.rows * step.mean.shape[1] // shape.channels
            rounded = rounding(residuals, step.symbols, weights.reshape(-1, 1)[positions])
        else:
            rounded = nearest(residuals, step.symbols, np.ones(1, dtype=np.float32))
        steps.append(step)
        symbols.append(np.where(step.symbols.skipped, np.int32(0), rounded))
        return symbols[-1]

    integers = codec.walk(size, setting, exchange)
    return QuantisedPicture(tuple(steps), tuple(symbols), integers)


def given(codec: IntegerCodec[Any], integers: Integers, size: Size, setting: CodingSetting) -> QuantisedPicture:
    """Integers that are none of latents, such as another coder's bytes, in coding order."""
    steps: list[CodingStep] = []
    symbols: list[Grid] = []

    def exchange(step: CodingStep) -> Grid:
        steps.append(step)
        symbols.append(step.symbols_of(integers[step.grid]))
        return symbols[-1]

    whole = codec.walk(size, setting, exchange)
    return QuantisedPicture(tuple(steps), tuple(symbols), whole)


@torch.no_grad()
def with_choices(
    floats: FloatCodec[Any], latents: Latents, gain_index: Tensor, step: float, relaxation: Relaxation
) -> Latents:
    """All grids that are coded: the latents, and what is chosen for them, such as the prior of each position.

    Args:
      floats: the float model.
      latents: float grids; those that are there already are kept.
      gain_index: [1] int64.
      step: quantisation step q.
      relaxation: how latents are rounded, about.
    """
    if floats.choices <= latents.keys():
        return latents
    return {**floats.code(latents, gain_index, step, relaxation).decoded, **latents}


def encode_payload(quantised: QuantisedPicture, side: SideInformation) -> bytes:
    """Range-codes side information, then the symbols step by step."""
    coder = new_payload()
    write_side_information(coder, side)
    for step, symbols in zip(quantised.steps, quantised.symbols, strict=True):
        step.symbols.encode(coder, symbols)
    return shortest_payload(coder)


def side_bytes(side: SideInformation) -> bytes:
    """Side information by itself, to compare it."""
    coder = new_payload()
    write_side_information(coder, side)
    return shortest_payload(coder)
