"""The analysis of residual blocks with attention: the mirror of `decoder_pkg.codecs.transforms.attention`."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.transforms import AttentionTransforms
from decoder_pkg.codecs.transforms.attention import LEAK, PlainBlock, attentions
from decoder_pkg.codecs.transforms.gdn import Gdn
from decoder_pkg.codecs.transforms.residual import conv3

from .analysis import Analysis


class DownBlock(nn.Module):
    """A residual block to half the height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = conv3(inputs, outputs, stride=2), conv3(outputs, outputs)
        self.norm, self.beside = Gdn(outputs), nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        # With a stride of its own, the gradient of a 1x1 layer writes beyond its memory (oneDNN, few inputs).
        beside = self.beside(x[:, :, ::2, ::2])
        y: Tensor = self.norm(self.second(F.leaky_relu(self.first(x), LEAK))) + beside
        return y


class AttentionAnalysis(Analysis):
    """Three blocks that halve the resolution, each followed by a plain one, and a last convolution."""

    def __init__(self, kind: AttentionTransforms) -> None:
        super().__init__(kind)
        width, more = kind.latent_channels, kind.more_attention
        self.layers = nn.Sequential(
            DownBlock(3, width), *attentions(width, more), PlainBlock(width),
            DownBlock(width, width), *attentions(width, kind.attends), PlainBlock(width),
            DownBlock(width, width), *attentions(width, more), PlainBlock(width),
            conv3(width, width, stride=2), *attentions(width, kind.attends),
        )  # fmt: skip

    def deep(self, centred: Tensor) -> Tensor:
        y: Tensor = self.layers(centred)
        return y
