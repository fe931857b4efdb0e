"""The residual synthesis: residual blocks at 1/16 and 1/8, sub-pixel upsampling, a linear shortcut."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .kinds import ResidualTransforms
from .synthesis import Synthesis

DEEP_SCALE = 0.1
"""Initial scale of the last layer of a deep branch beside its linear shortcut."""


def conv3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A dense 3x3 convolution that keeps the size (divided by the stride)."""
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside an identity, [B, C, h, w] to the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv3(width, width)
        self.second = conv3(width, width)
        with torch.no_grad():
            self.second.weight.mul_(DEEP_SCALE)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.second(F.leaky_relu(self.first(x), 0.125))
        return x + residual


class ResidualSynthesis(Synthesis):
    """Latents to pictures."""

    def __init__(self, kind: ResidualTransforms) -> None:
        super().__init__(kind)
        self.enter = conv3(kind.latent_channels, kind.width16)
        self.blocks16 = nn.Sequential(*(ResidualBlock(kind.width16) for _ in range(kind.synthesis_blocks16)))
        self.up8 = nn.Conv2d(kind.width16, 4 * kind.width8, 1)
        self.blocks8 = nn.Sequential(*(ResidualBlock(kind.width8) for _ in range(kind.synthesis_blocks8)))
        self.up4 = nn.Conv2d(kind.width8, 4 * kind.width4, 1)
        self.leave = conv3(kind.width4, 48)
        with torch.no_grad():
            self.leave.weight.mul_(DEEP_SCALE)

    def deep(self, y: Tensor) -> Tensor:
        x = self.blocks16(self.enter(y))
        x = F.leaky_relu(F.pixel_shuffle(self.up8(x), 2), 0.125)
        x = self.blocks8(x)
        x = F.leaky_relu(F.pixel_shuffle(self.up4(x), 2), 0.125)
        return F.pixel_shuffle(self.leave(x), 4)
