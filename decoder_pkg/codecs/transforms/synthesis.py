"""What all syntheses share: gain vectors before the network, and how latents reach it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...gains import GAIN_STEPS, OCTAVES
from ...grids import LATENT_STRIDE
from .interface import Transforms

Network = TypeVar("Network", bound=nn.Module)

MID_GREY = 0.5


def to_channels_last(network: Network) -> Network:
    """Lays the weights out as dense convolutions run fastest; changes the network itself."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


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


class Synthesis(nn.Module, ABC):
    """Latents to pictures."""

    def __init__(self, kind: Transforms) -> None:
        super().__init__()
        channels = kind.latent_channels
        self.log_inverse_gain = nn.Parameter(torch.zeros(OCTAVES, channels))
        self.shortcut = nn.Conv2d(channels, 3 * LATENT_STRIDE**2, 1) if kind.shortcut else None
        self.median = None if kind.centred else nn.Parameter(torch.zeros(channels))
        self._grey = MID_GREY if kind.centred else 0.0

    def forward(self, y_hat: Tensor, gain_index: Tensor) -> Tensor:
        """Reconstructs pictures.

        Args:
          y_hat: [B, M, h, w] float, latents in units of the quantisation step.
          gain_index: [B] or [B, h, w] int64.

        Returns:
          [B, 3, 16h, 16w] float, nominally in [0, 1], not clamped.
        """
        y = y_hat * torch.exp(interpolate_log_gain(self.log_inverse_gain, gain_index))
        if self.median is not None:
            y = y + self.median[:, None, None]
        picture = self.deep(y)
        if self.shortcut is not None:
            picture = picture + F.pixel_shuffle(self.shortcut(y), LATENT_STRIDE)
        return picture + self._grey

    @abstractmethod
    def deep(self, y: Tensor) -> Tensor:
        """Pictures [B, 3, 16h, 16w] float, less mid-grey and shortcut, of latents [B, M, h, w] without their gain."""
