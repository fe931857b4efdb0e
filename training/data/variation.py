"""How training crops are varied at random, beyond cutting and turning: light, frames, noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LIT = 0.3
LIGHT = 0.2
"""Share of the crops under another light, a linear ramp for each colour, and how far it changes a sample at most.

Smooth ramps of colour are rare in small crops; a model that has seen few of them may amplify one without bound.
"""

FRAMED = 0.15
FRAME = 3
"""Share of the crops with a border of one colour along one side, as scans have, and its largest width in pixels."""

BLANK = 0.2
"""Share of these that are one colour otherwise."""

NOISY = 0.3
NOISE_LEVELS = 3.0
"""Share of the crops with sensor-like noise, and its largest standard deviation in 8-bit levels.

Compressed training crops hold hardly any fine chroma, pictures from a camera do.
"""


class Variation(NamedTuple):
    """What happens to each of B crops; tensors, so that a batch travels to the device as it is.

    Attributes:
      light: [B, 3, 3] float32, for each colour a level and a slope down and across, around zero.
      frame_width: [B] int64, pixels; 0 for no frame.
      frame_side: [B] int64, 0 to 3: top, bottom, left, right.
      frame_colour: [B, 3] float32, 8-bit levels.
      blank: [B] bool, whether the rest is one colour.
      blank_colour: [B, 3] float32, 8-bit levels.
      deviation: [B, 3] float32, of the noise of each colour in 8-bit levels.
    """

    light: Tensor
    frame_width: Tensor
    frame_side: Tensor
    frame_colour: Tensor
    blank: Tensor
    blank_colour: Tensor
    deviation: Tensor

    def apply(self, windows: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """From windows [B, 3, S, S], uint8 or whole levels as float32, to crops of that shape, float32 in [0, 1].

        The generator makes the noise.
        """
        size = windows.shape[2]
        axis = torch.linspace(-1, 1, size, device=windows.device)
        level, down, across = (part[..., None, None] for part in self.light.unbind(2))
        crops = (windows * (1 + level + axis[:, None] * down + axis * across)).round().clamp(0, 255)
        crops = torch.where(self.blank[:, None, None, None], self.blank_colour[..., None, None], crops)
        row = torch.arange(size, device=windows.device).expand(size, size)
        distance = torch.stack([row.mT, size - 1 - row.mT, row, size - 1 - row])
        framed = distance[self.frame_side] < self.frame_width[:, None, None]
        crops = torch.where(framed[:, None], self.frame_colour[..., None, None], crops)
        noise = torch.randn(crops.shape, generator=generator, device=crops.device)
        return (crops + noise * self.deviation[..., None, None]).round().clamp(0, 255) / 255


def draw(rng: np.random.Generator, count: int) -> Variation:
    """Chooses how that many crops are varied."""
    lit, noisy = rng.random(count) < LIT, rng.random(count) < NOISY
    framed = rng.random(count) < FRAMED
    parts = (
        (lit[:, None, None] * rng.uniform(-LIGHT / 3, LIGHT / 3, (count, 3, 3))).astype(np.float32),
        framed * rng.integers(1, FRAME + 1, count),
        rng.integers(0, 4, count),
        _colours(rng, count),
        framed & (rng.random(count) < BLANK),
        _colours(rng, count),
        (noisy[:, None] * rng.uniform(0, NOISE_LEVELS, (count, 3))).astype(np.float32),
    )
    return Variation(*map(torch.from_numpy, parts))


def _colours(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """[count, 3] random colours, black or white half of the time."""
    extreme = np.repeat(255 * rng.integers(0, 2, (count, 1)), 3, axis=1)
    chosen = np.where(rng.random((count, 1)) < 0.5, rng.integers(0, 256, (count, 3)), extreme)
    return chosen.astype(np.float32)
