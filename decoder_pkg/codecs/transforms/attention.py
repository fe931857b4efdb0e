"""Residual blocks with attention (Cheng et al. 2020, figures 4 and 6), and the synthesis made of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .gdn import Gdn
from .kinds import AttentionTransforms
from .residual import conv3
from .synthesis import Synthesis

LEAK = 0.01


class Subpixel(nn.Sequential):
    """A 3x3 convolution and pixel shuffle: twice the height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(conv3(inputs, 4 * outputs), nn.PixelShuffle(2))


class PlainBlock(nn.Module):
    """Two 3x3 convolutions beside an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv3(width, width), conv3(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = F.leaky_relu(self.second(F.leaky_relu(self.first(x), LEAK)), LEAK)
        return x + y


class UpBlock(nn.Module):
    """A residual block to twice the height and width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = Subpixel(width, width), conv3(width, width)
        self.norm, self.beside = Gdn(width, inverse=True), Subpixel(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.second(F.leaky_relu(self.first(x), LEAK))) + self.beside(x)
        return y


class Bottleneck(nn.Module):
    """The residual unit of an attention: 1x1, 3x3 and 1x1 convolutions, half as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.layers = nn.Sequential(
            nn.Conv2d(width, half, 1), nn.ReLU(), conv3(half, half), nn.ReLU(), nn.Conv2d(half, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))


class Attention(nn.Module):
    """A trunk, and a mask between 0 and 1 that says where it counts, beside an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*(Bottleneck(width) for _ in range(3)))
        self.mask = nn.Sequential(*(Bottleneck(width) for _ in range(3)), nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        attended: Tensor = x + self.trunk(x) * torch.sigmoid(self.mask(x))
        return attended


def attentions(width: int, is_there: bool) -> list[nn.Module]:
    """An attention where a kind of transforms has one."""
    return [Attention(width)] if is_there else []


class AttentionSynthesis(Synthesis):
    """Latents to pictures."""

    def __init__(self, kind: AttentionTransforms) -> None:
        super().__init__(kind)
        width = kind.latent_channels
        self.layers = nn.Sequential(
            *attentions(width, kind.attends),
            PlainBlock(width),
            UpBlock(width),
            PlainBlock(width),
            UpBlock(width),
            *attentions(width, kind.attends),
            PlainBlock(width),
            UpBlock(width),
            PlainBlock(width),
            Subpixel(width, 3),
        )

    def deep(self, y: Tensor) -> Tensor:
        picture: Tensor = self.layers(y)
        return picture
