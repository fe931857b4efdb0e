"""What refinement minimises: bits plus distortion at a slope, differentiable in the latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from decoder_pkg.entropy_model import Q_ONE

from .context import Quantiser
from .entropy import bits, gaussian_likelihood
from .model import CodecModel
from .pictures import Pixels
from .rate import padded_tensor


@dataclass(frozen=True)
class Setting:
    """What stays fixed while latents are refined.

    Attributes:
      gain: gain index.
      q: quantisation step in 1/128.
      slope: squared error (8-bit scale, summed) that one byte is worth, > 0.
    """

    gain: int
    q: int
    slope: float


def bf16_helps() -> bool:
    """Whether this CPU multiplies bf16 matrices in hardware."""
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


class Objective:
    """Lagrangian of one picture under one model: bits + 8 / slope * squared error (Zhao et al. 2021, Eq. 1)."""

    def __init__(self, model: CodecModel, pixels: Pixels, setting: Setting) -> None:
        """Prepares a picture [H, W, 3] uint8; the model's weights take no gradient."""
        self._model, self.setting = model.requires_grad_(False), setting
        self._gain = torch.tensor([setting.gain])
        self._step = setting.q / Q_ONE
        self._target = padded_tensor(pixels) * 255
        self._size = pixels.shape[:2]
        self._autocast = bf16_helps()

    def start(self) -> tuple[Tensor, Tensor]:
        """Latents [1, M, h, w] and hyper-latents [1, Z, hz, wz] of the analysis, not rounded."""
        with torch.no_grad():
            y = self._model.analysis(self._target / 255, self._gain)
            return y.contiguous(), self._model.hyper_analysis(y).contiguous()

    def __call__(self, y: Tensor, z: Tensor, quantise_y: Quantiser, quantise_z: Quantiser) -> Tensor:
        """The Lagrangian in bits for float latents under the given relaxations of rounding."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self._autocast):
            z_hat = quantise_z(z)
            coded = self._model.code(y, z_hat, self._step, quantise_y)
            picture = self._model.synthesis(coded.y_hat, self._gain).float()
        rate = bits(gaussian_likelihood(coded.quantised, coded.log2_sigma))
        rate = rate + bits(self._model.prior.likelihood(z_hat, self._gain))
        return (rate + 8 / self.setting.slope * self._squared_error(picture)).sum()

    def _squared_error(self, picture: Tensor) -> Tensor:
        height, width = self._size
        levels = picture[:, :, :height, :width].clamp(0, 1) * 255
        return (levels - self._target[:, :, :height, :width]).square().sum()
