"""What refinement minimises: bits plus distortion at a Lagrange multiplier, differentiable in the latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.grids import LATENT_STRIDE
from decoder_pkg.pixels.filters import FilterChain
from eval.metrics import PSNR

from ..codecs import ROUNDED, STRAIGHT_THROUGH, Coded, FloatCodec, Latents, Relaxation
from ..filters import DifferentiableChain
from ..models import bf16_helps, seeded
from ..pictures import Pixels, padded_tensor
from .setting import RefinementSetting


@dataclass(frozen=True)
class Rounded:
    """Latents as they will be coded, and what they cost.

    Attributes:
      total: the Lagrangian in bits, a scalar.
      cells: the part of it [1, 1, h, w] that belongs to each position of the latents.
      coded: the latents.
    """

    total: Tensor
    cells: Tensor
    coded: Coded


class Objective:
    """Lagrangian of one picture under one model: bits + 8 / multiplier * distortion (Zhao et al. 2021, Eq. 1)."""

    def __init__(
        self, model: FloatCodec[Any], pixels: Pixels, setting: RefinementSetting, chain: FilterChain | None = None
    ) -> None:
        """Prepares a picture; the model's weights take no gradient.

        Args:
          model: the float model; everything is computed where its weights are.
          pixels: [H, W, 3] uint8.
          setting: what stays fixed.
          chain: the post-filters; by default none.
        """
        self.device = next(model.parameters()).device
        self._filters = DifferentiableChain(chain or FilterChain())
        self._model, self.setting = model.requires_grad_(False), setting
        self._gain = torch.tensor([setting.gain], device=self.device)
        self._target = padded_tensor(pixels).to(self.device) * 255
        self._size = pixels.shape[:2]
        self._autocast = bf16_helps(self.device)

    def restart(self) -> None:
        """Begins a refinement: what it finds depends on its start alone, not on what was evaluated before."""
        self._filters.restart()

    def __call__(self, latents: Latents, relaxation: Relaxation) -> Tensor:
        """The Lagrangian in bits of float latents under a relaxation of rounding."""
        cells, rest = self._cost(self._code(latents, relaxation))
        return cells.sum() + rest

    def place(self, grid: Tensor) -> Tensor:
        """A grid where the model is."""
        return grid.to(self.device)

    def rounded(self, latents: Latents) -> Rounded:
        """The Lagrangian of the latents as they will be coded; gradients pass straight through the rounding."""
        coded = self._code(latents, STRAIGHT_THROUGH)
        cells, rest = self._cost(coded)
        return Rounded(cells.sum() + rest, cells, coded)

    def curvature(self, latents: Latents) -> Tensor:
        """Half of the second derivative of the squared error in a latent, mean of each channel: [1, M, 1, 1] bits.

        From random signs sent back through the synthesis (Hutchinson 1990), as if nothing were clamped or filtered.
        """
        with torch.no_grad():
            coded = self._code(latents, ROUNDED)
        y_hat = coded.y_hat.requires_grad_()
        picture = self._synthesis(y_hat)[:, :, : self._size[0], : self._size[1]]
        signs = torch.randint(0, 2, picture.shape, generator=seeded(0), device="cpu") * 2.0 - 1
        (response,) = torch.autograd.grad(picture, y_hat, 255 * signs.to(self.device))
        bits_per_error = 8 / self.setting.multiplier * self.setting.distortion.weight(PSNR)
        return bits_per_error * response.square().mean(dim=(2, 3), keepdim=True)

    def pays(self, coded: Coded, gradient: Tensor, curvature: Tensor) -> Tensor:
        """Whether the next integer down its gradient is predicted to lower the Lagrangian: each latent [1, M, h, w].

        Its own rate is exact; the rest is a Taylor series of second order.

        Args:
          coded: the latents as rounded.
          gradient: [1, M, h, w] float32, of the Lagrangian in y.
          curvature: [1, M, 1, 1] float32, as from `curvature`.

        Returns:
          [1, M, h, w] bool.
        """
        q = self.setting.q / Q_ONE
        symbol = coded.symbols.detach().requires_grad_()
        likelihood, sign = coded.likelihood.detach(), -torch.sign(gradient)
        rate = likelihood.bits(symbol)
        (rate_gradient,) = torch.autograd.grad(rate.sum(), symbol)
        with torch.no_grad():
            change = likelihood.bits(symbol + sign) - rate
            return change + sign * (q * gradient - rate_gradient) + q * q * curvature < 0

    @property
    def is_local(self) -> bool:
        """Whether the distortion is a sum over positions; all but the squared error is a property of the whole."""
        return self.setting.distortion.keys == {PSNR.key}

    @torch.no_grad()
    def snapped(self, latents: Latents) -> Latents:
        """The reconstructed latents: whatever rounds them again, with means a little off, finds the same symbols."""
        return self._code(latents, ROUNDED).decoded

    def _cost(self, coded: Coded) -> tuple[Tensor, Tensor]:
        """The Lagrangian: a share for each position [1, 1, h, w], and the rest, a scalar."""
        rate = coded.position_bits()
        error, loss = self._distortion(self._synthesis(coded.y_hat))
        bits_per_distortion = 8 / self.setting.multiplier
        return rate + bits_per_distortion * error, coded.side_bits.sum() + bits_per_distortion * loss

    def _synthesis(self, y_hat: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._autocast):
            picture: Tensor = self._model.synthesis(y_hat, self._gain)
        return picture.float()

    def _code(self, latents: Latents, relaxation: Relaxation) -> Coded:
        # Float32: in bf16 the means would differ from the integer model's by more than refinement moves them.
        return self._model.code(latents, self._gain, self.setting.q / Q_ONE, relaxation)

    def _distortion(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted squared error of each position's pixels [1, 1, h, w], and the other metrics' loss, a scalar."""
        (height, width), distortion = self._size, self.setting.distortion
        levels = self._filters(picture[0].clamp(0, 1) * 255)[None, :, :height, :width]
        target = self._target[:, :, :height, :width]
        error = (levels - target).square().sum(1, keepdim=True)
        error = F.pad(error, (0, picture.shape[3] - width, 0, picture.shape[2] - height))
        cells = distortion.weight(PSNR) * LATENT_STRIDE**2 * F.avg_pool2d(error, LATENT_STRIDE)
        loss = cells.new_zeros(())
        for metric, weight in distortion.terms:
            if metric is not PSNR:
                assert metric.relaxed, f"{metric.name} has no gradient"
                loss = loss + weight * height * width * metric.relaxed(target[0], levels[0])
        return cells, loss
