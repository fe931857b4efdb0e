"""The residual analysis transform: the mirror of `decoder_pkg.codecs.transforms.residual`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.transforms import TransformArchitecture
from decoder_pkg.codecs.transforms.residual import DEEP_SCALE, ResidualBlock, conv3, interpolate_log_gain
from decoder_pkg.gains import OCTAVES
from decoder_pkg.grids import LATENT_STRIDE


class Analysis(nn.Module):
    """Pictures to scaled latents: pixel-unshuffle, residual blocks at 1/8 and 1/16, a linear shortcut."""

    def __init__(self, arch: TransformArchitecture) -> None:
        super().__init__()
        self.log_gain = nn.Parameter(torch.zeros(OCTAVES, arch.latent_channels))
        self.shortcut = nn.Conv2d(3 * LATENT_STRIDE**2, arch.latent_channels, 1)
        self.enter = conv3(48, arch.width4)
        self.down8 = conv3(arch.width4, arch.width8, stride=2)
        self.blocks8 = nn.Sequential(*(ResidualBlock(arch.width8) for _ in range(arch.analysis_blocks8)))
        self.down16 = conv3(arch.width8, arch.width16, stride=2)
        self.blocks16 = nn.Sequential(*(ResidualBlock(arch.width16) for _ in range(arch.analysis_blocks16)))
        self.leave = conv3(arch.width16, arch.latent_channels)
        with torch.no_grad():
            self.leave.weight.mul_(DEEP_SCALE)

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
        centred = picture - 0.5
        x = F.leaky_relu(self.enter(F.pixel_unshuffle(centred, 4)), 0.125)
        x = self.blocks8(F.leaky_relu(self.down8(x), 0.125))
        x = self.blocks16(F.leaky_relu(self.down16(x), 0.125))
        y: Tensor = self.leave(x) + self.shortcut(F.pixel_unshuffle(centred, LATENT_STRIDE))
        return y
