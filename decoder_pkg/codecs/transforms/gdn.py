"""Generalised divisive normalisation, and the synthesis of four transposed convolutions with its inverse between them.

Ballé et al. 2016 ("Density modeling of images"), and 2017 ("End-to-end optimized image compression"), section 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .kinds import GdnTransforms
from .synthesis import Synthesis

LEAST_BETA = 1e-6


class Gdn(nn.Module):
    """Each sample by the root of a weighted sum of the squares of its channels, [B, C, h, w] to the same shape.

    Its weights are squares of what is trained, so that they stay positive.
    """

    def __init__(self, width: int, inverse: bool = False) -> None:
        """With `inverse`, samples are multiplied by the root in place of being divided."""
        super().__init__()
        self._inverse = inverse
        self.root_beta = nn.Parameter(torch.ones(width))
        self.root_gamma = nn.Parameter(0.01 * torch.ones(width, width) + 0.3 * torch.eye(width))

    def forward(self, x: Tensor) -> Tensor:
        gamma, beta = self.root_gamma.square()[:, :, None, None], self.root_beta.square() + LEAST_BETA
        squares = F.conv2d(x.square(), gamma, beta)
        return x * (torch.sqrt(squares) if self._inverse else torch.rsqrt(squares))


def norm(kind: GdnTransforms, inverse: bool = False) -> nn.Module:
    """What stands between two layers."""
    return nn.ReLU() if kind.rectified else Gdn(kind.width, inverse)


class Upsample(nn.Conv2d):
    """A transposed 5x5 convolution of stride 2: a 3x3 one to four times as many channels computes the same sums.

    Of each 3x3 window an even row or column of the result sees three samples and an odd one two.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, 4 * outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(super().forward(x), 2)


class GdnSynthesis(Synthesis):
    """Latents to pictures."""

    def __init__(self, kind: GdnTransforms) -> None:
        super().__init__(kind)
        width = kind.width
        self.layers = nn.Sequential(
            Upsample(kind.latent_channels, width),
            norm(kind, inverse=True),
            Upsample(width, width),
            norm(kind, inverse=True),
            Upsample(width, width),
            norm(kind, inverse=True),
            Upsample(width, 3),
        )

    def deep(self, y: Tensor) -> Tensor:
        picture: Tensor = self.layers(y)
        return picture
