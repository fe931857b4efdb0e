"""Synthesis transform: from the reconstructed latent to the picture, in float."""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...gains import GAIN_STEPS, OCTAVES
from ...grids import LATENT_STRIDE
from .interface import TransformArchitecture

DEEP_SCALE = 0.1
"""Initial scale of the last layer of a deep branch beside its linear shortcut."""


Network = TypeVar("Network", bound=nn.Module)


def to_channels_last(network: Network) -> Network:
    """Lays the weights out as dense convolutions run fastest; changes the network itself."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


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


def interpolate_log_gain(log_gain: Tensor, gain_index: Tensor) -> Tensor:
    """Gain vectors at fractional octaves, interpolated in the log domain (Gao et al. 2021, section 3.2).

    Args:
      log_gain: [octaves, C] float.
      gain_index: [B] or [B, h, w] int64 in [0, GAIN_COUNT).

    Returns:
      [B, C, 1, 1] or [B, C, h, w] float, natural logarithms.
    """
    low = torch.div(gain_index, GAIN_STEPS, rounding_mode="floor").clamp(max=log_gain.shape[0] - 2)
    share = (gain_index - low * GAIN_STEPS).to(log_gain.dtype).unsqueeze(-1) / GAIN_STEPS
    vectors = torch.lerp(log_gain[low], log_gain[low + 1], share)
    return vectors[:, :, None, None] if gain_index.ndim == 1 else vectors.permute(0, 3, 1, 2)


class Synthesis(nn.Module):
    """Latents to pictures: residual blocks at 1/16 and 1/8, sub-pixel upsampling, a linear shortcut."""

    def __init__(self, arch: TransformArchitecture) -> None:
        super().__init__()
        self.log_inverse_gain = nn.Parameter(torch.zeros(OCTAVES, arch.latent_channels))
        self.shortcut = nn.Conv2d(arch.latent_channels, 3 * LATENT_STRIDE**2, 1)
        self.enter = conv3(arch.latent_channels, arch.width16)
        self.blocks16 = nn.Sequential(*(ResidualBlock(arch.width16) for _ in range(arch.synthesis_blocks16)))
        self.up8 = nn.Conv2d(arch.width16, 4 * arch.width8, 1)
        self.blocks8 = nn.Sequential(*(ResidualBlock(arch.width8) for _ in range(arch.synthesis_blocks8)))
        self.up4 = nn.Conv2d(arch.width8, 4 * arch.width4, 1)
        self.leave = conv3(arch.width4, 48)
        with torch.no_grad():
            self.leave.weight.mul_(DEEP_SCALE)

    def forward(self, y_hat: Tensor, gain_index: Tensor) -> Tensor:
        """Reconstructs pictures.

        Args:
          y_hat: [B, M, h, w] float, latents in units of the quantisation step.
          gain_index: [B] or [B, h, w] int64.

        Returns:
          [B, 3, 16h, 16w] float, nominally in [0, 1], not clamped.
        """
        y = y_hat * torch.exp(interpolate_log_gain(self.log_inverse_gain, gain_index))
        x = self.blocks16(self.enter(y))
        x = F.leaky_relu(F.pixel_shuffle(self.up8(x), 2), 0.125)
        x = self.blocks8(x)
        x = F.leaky_relu(F.pixel_shuffle(self.up4(x), 2), 0.125)
        deep = F.pixel_shuffle(self.leave(x), 4)
        return deep + F.pixel_shuffle(self.shortcut(y), LATENT_STRIDE) + 0.5
