"""What all analyses share: gain vectors behind the network."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.transforms import Transforms
from decoder_pkg.codecs.transforms.synthesis import MID_GREY, interpolate_log_gain
from decoder_pkg.gains import OCTAVES
from decoder_pkg.grids import LATENT_STRIDE


class Analysis(nn.Module, ABC):
    """Pictures to latents."""

    def __init__(self, kind: Transforms) -> None:
        super().__init__()
        channels = kind.latent_channels
        self.log_gain = nn.Parameter(torch.zeros(OCTAVES, channels))
        self.shortcut = nn.Conv2d(3 * LATENT_STRIDE**2, channels, 1) if kind.shortcut else None
        self.median = None if kind.centred else nn.Parameter(torch.zeros(channels))
        self._grey = MID_GREY if kind.centred else 0.0

    def forward(self, picture: Tensor, gain_index: Tensor) -> Tensor:
        """Latents in units of the quantisation step: [B, M, H/16, W/16] float.

        Args:
          picture: [B, 3, H, W] float in [0, 1]; H and W multiples of 16.
          gain_index: [B] int64.
        """
        return self.scale(self.unscaled(picture), gain_index)

    def scale(self, y: Tensor, gain_index: Tensor) -> Tensor:
        """Multiplies unscaled latents by the gain vectors."""
        return y * torch.exp(interpolate_log_gain(self.log_gain, gain_index))

    def unscaled(self, picture: Tensor) -> Tensor:
        """Latents before the gain: they serve every rate."""
        centred = picture - self._grey
        y = self.deep(centred)
        if self.shortcut is not None:
            y = y + self.shortcut(F.pixel_unshuffle(centred, LATENT_STRIDE))
        return y if self.median is None else y - self.median[:, None, None]

    @abstractmethod
    def deep(self, centred: Tensor) -> Tensor:
        """Latents [B, M, h, w] float, less the shortcut's, of pictures [B, 3, 16h, 16w] less mid-grey."""
