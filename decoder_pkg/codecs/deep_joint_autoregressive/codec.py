"""Hyper-latents and causal neighbours give means and standard deviations, as CompressAI has it (mbt2018).

What precedes the first of its three 1x1 layers is linear, as in `joint_autoregressive`, and a part of that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..autoregressive import AutoregressiveArchitecture, AutoregressiveCodec, context_layers, context_sums
from ..deep_hyper_decoder import DeepHyperArchitecture, DeepHyperDecoder, deep_hyper_layers
from ..layers import Layer
from ..transforms import GdnTransforms


@dataclass(frozen=True)
class DeepJointArchitecture(DeepHyperArchitecture, AutoregressiveArchitecture):
    """Features of the hyper-decoder are ten thirds as many as latents."""

    predicts_mean: ClassVar[bool] = False

    @classmethod
    def hyper_widths(cls, width: int, channels: int) -> dict[str, int]:
        return super().hyper_widths(width, channels) | {"feature_width": 10 * channels // 3}

    @property
    def hidden_width(self) -> int:
        return 8 * self.latent_channels // 3


def _row(number: int, name: str, width: int, channels: int) -> DeepJointArchitecture:
    transforms = GdnTransforms(channels, False, width, centred=False)
    widths = DeepJointArchitecture.hyper_widths(width, channels)
    return DeepJointArchitecture(number, name, transforms, components=1, residual_blocks=0, **widths)


class DeepJointCodec(AutoregressiveCodec[DeepJointArchitecture]):
    """All channels of a position together."""

    architectures: ClassVar[tuple[DeepJointArchitecture, ...]] = (
        _row(31, "deep-joint-autoregressive", 192, 192),
        _row(231, "smoke-deep-joint-autoregressive", 16, 16),
    )
    hyper_decoder = DeepHyperDecoder

    @staticmethod
    def layers(arch: DeepJointArchitecture) -> Sequence[Layer]:
        return (*deep_hyper_layers(arch, context_sums(arch)), *context_layers(arch))
