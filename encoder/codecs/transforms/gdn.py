"""The analysis with generalised divisive normalisation: the mirror of `decoder_pkg.codecs.transforms.gdn`."""

from __future__ import annotations

from torch import Tensor, nn

from decoder_pkg.codecs.transforms import GdnTransforms
from decoder_pkg.codecs.transforms.gdn import norm

from .analysis import Analysis


class GdnAnalysis(Analysis):
    """Four 5x5 convolutions of stride 2."""

    def __init__(self, kind: GdnTransforms) -> None:
        super().__init__(kind)
        width = kind.width
        self.layers = nn.Sequential(
            conv5(3, width), norm(kind), conv5(width, width), norm(kind), conv5(width, width), norm(kind),
            conv5(width, kind.latent_channels),
        )  # fmt: skip

    def deep(self, centred: Tensor) -> Tensor:
        y: Tensor = self.layers(centred)
        return y


def conv5(inputs: int, outputs: int) -> nn.Conv2d:
    """A dense 5x5 convolution of stride 2."""
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)
