"""The residual analysis: the mirror of `decoder_pkg.codecs.transforms.residual`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.transforms import ResidualTransforms
from decoder_pkg.codecs.transforms.residual import DEEP_SCALE, ResidualBlock, conv3

from .analysis import Analysis


class ResidualAnalysis(Analysis):
    """Pixel-unshuffle, residual blocks at 1/8 and 1/16."""

    def __init__(self, kind: ResidualTransforms) -> None:
        super().__init__(kind)
        self.enter = conv3(48, kind.width4)
        self.down8 = conv3(kind.width4, kind.width8, stride=2)
        self.blocks8 = nn.Sequential(*(ResidualBlock(kind.width8) for _ in range(kind.analysis_blocks8)))
        self.down16 = conv3(kind.width8, kind.width16, stride=2)
        self.blocks16 = nn.Sequential(*(ResidualBlock(kind.width16) for _ in range(kind.analysis_blocks16)))
        self.leave = conv3(kind.width16, kind.latent_channels)
        with torch.no_grad():
            self.leave.weight.mul_(DEEP_SCALE)

    def deep(self, centred: Tensor) -> Tensor:
        x = F.leaky_relu(self.enter(F.pixel_unshuffle(centred, 4)), 0.125)
        x = self.blocks8(F.leaky_relu(self.down8(x), 0.125))
        x = self.blocks16(F.leaky_relu(self.down16(x), 0.125))
        y: Tensor = self.leave(x)
        return y
