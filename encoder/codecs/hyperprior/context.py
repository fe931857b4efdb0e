"""Context networks in float: mean and scale of every latent given those coded before it, differentiable.

Both kinds have one interface: latents, hyper parameters and a relaxation of rounding go in, `Coded` comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.hyperprior import CAUSAL, GROUPS, QUADTREE, TURNS, Architecture
from decoder_pkg.codecs.hyperprior.synthesis import conv3
from decoder_pkg.entropy import CAUSAL_TAPS

from .entropy import is_certain

Quantiser = Callable[[Tensor], Tensor]
"""Float residuals in units of the quantisation step to (nearly) integers, differentiable."""


@dataclass(frozen=True)
class Coded:
    """Latents as the entropy model sees them; all [B, M, h, w] float32, residuals in units of the quantisation step.

    Attributes:
      residual: (y - mean) / q, not rounded.
      quantised: the same after the quantiser.
      log2_sigma: log2 of the standard deviation.
      y_hat: reconstructed latents, mean + quantised * q.
    """

    residual: Tensor
    quantised: Tensor
    log2_sigma: Tensor
    y_hat: Tensor


def causal_mask() -> Tensor:
    """[1, 1, 5, 5] float: ones at the causal taps of a 5x5 window."""
    mask = torch.zeros(1, 1, 5, 5)
    for row, column in CAUSAL_TAPS:
        mask[0, 0, row + 2, column + 2] = 1.0
    return mask


class CausalConv(nn.Conv2d):
    """A 5x5 convolution that sees only the twelve already decoded neighbours."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5, padding=2)
        self.mask: Tensor
        self.register_buffer("mask", causal_mask(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=2)


class CausalContext(nn.Module):
    """The scale from hyper features and causal neighbours; the mean from the hyper-latents alone.

    Zhao et al. 2021, section 3.1. The neighbours enter as magnitudes of their residuals: how far they were from their
    means tells the scale here.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.enter = CausalConv(arch.latent_channels, arch.context_width)
        self.hidden = nn.Conv2d(arch.context_width, arch.context_width, 1)
        self.leave = nn.Conv2d(arch.context_width, arch.latent_channels, 1)

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Coded:
        """Codes latents.

        Args:
          y: [B, M, h, w] float latents.
          mean: [B, M, h, w] float, from the hyper-latents.
          features: [B, C, h, w] float, from the hyper-latents.
          step: quantisation step q.
          quantise: relaxation of rounding.
        """
        residual = (y - mean) / step
        quantised = quantise(residual)
        x = F.leaky_relu(self.enter((quantised * step).abs()) + features, 0.125)
        x = F.leaky_relu(self.hidden(x), 0.125)
        log2_sigma = self.leave(x).float() - math.log2(step)
        # Latents that are certain to be zero are zeroed after the context saw them: one by one would be exact.
        quantised = torch.where(is_certain(log2_sigma), zero_like(residual, self.training), quantised)
        return Coded(residual, quantised, log2_sigma, mean + quantised * step)


class QuadtreeContext(nn.Module):
    """Mean and scale from hyper features and all latents of earlier steps, mirroring `quadtree` of the decoder.

    Positions of one parity lie together, so that every step computes just the group of channels that each codes.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        width, channels = arch.context_width, arch.latent_channels
        self.embed = GroupInputs(2 * channels, arch.embed_width, 1)
        self.enter = nn.ModuleList(conv3(arch.embed_width, width) for _ in range(GROUPS - 1))
        self.hidden = nn.ModuleList(Pointwise(width, width, 1) for _ in range(GROUPS))
        self.mean = nn.ModuleList(GroupOutputs(width, channels, 1) for _ in range(GROUPS))
        self.scale = nn.ModuleList(GroupOutputs(width, channels, 1) for _ in range(GROUPS))

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Coded:
        """As `CausalContext.forward`."""
        batch, _, height, width = y.shape
        y, mean, inputs = by_parity(y), by_parity(mean), by_parity(features)
        embedded = inputs.new_zeros(())
        residual: list[Tensor] = []
        quantised: list[Tensor] = []
        log2_sigma: list[Tensor] = []
        y_hat: list[Tensor] = []
        for turn in range(GROUPS):
            x = inputs
            if turn:
                known = from_parity(F.leaky_relu(embedded, 0.125), batch, height, width)
                x = x + by_parity(self.enter[turn - 1](known))
            x = F.leaky_relu(self.hidden[turn](F.leaky_relu(x, 0.125)), 0.125)
            correction = self.mean[turn](x, turn)
            log2_sigma.append(self.scale[turn](x, turn) - math.log2(step))
            expected = at_step(turn, mean, 2) + correction
            residual.append((at_step(turn, y, 2) - expected) / step)
            zero = zero_like(residual[-1], self.training)
            quantised.append(torch.where(is_certain(log2_sigma[-1]), zero, quantise(residual[-1])))
            change = quantised[-1] * step
            y_hat.append(expected + change)
            if turn < GROUPS - 1:
                seen = torch.cat([change + correction, change.abs()], dim=2)
                embedded = self.embed(embedded, seen, turn)
        parts = map(groups_of, (residual, quantised, log2_sigma, y_hat))
        return Coded(*(from_parity(part, batch, height, width) for part in parts))


class Pointwise(nn.Conv2d):
    """A 1x1 convolution over positions that lie together."""

    def forward(self, x: Tensor) -> Tensor:
        """From [4, N, C] to [4, N, outputs]."""
        return F.linear(x, self.weight.flatten(1), self.bias)


class GroupOutputs(nn.Conv2d):
    """A 1x1 convolution of which each parity needs the group of outputs that it codes at a step."""

    def forward(self, x: Tensor, step: int) -> Tensor:  # type: ignore[override]
        """From [4, N, C] to [4, N, M / 4] float32."""
        assert self.bias is not None
        weight = at_step(step, self.weight.flatten(1).T.expand(GROUPS, -1, -1), 2)
        return torch.baddbmm(at_step(step, self.bias.expand(GROUPS, 1, -1), 2), x, weight).float()


class GroupInputs(nn.Conv2d):
    """A 1x1 convolution of which one group of values and magnitudes becomes known at each step: it is linear."""

    def forward(self, total: Tensor, seen: Tensor, step: int) -> Tensor:  # type: ignore[override]
        """Adds what is seen [4, N, 2 * M / 4] at a step to the outputs [4, N, E] of those before, if any."""
        columns = self.weight.reshape(self.out_channels, 2, -1).expand(GROUPS, -1, -1, -1)
        added = seen @ at_step(step, columns, 3).flatten(2).mT
        assert self.bias is not None
        return total + added if step else self.bias + added


def by_parity(x: Tensor) -> Tensor:
    """[B, C, h, w] to [4, B * ceil(h/2) * ceil(w/2), C]: positions of one parity together, zeros beyond odd edges."""
    batch, channels, height, width = x.shape
    cells = F.pad(x, (0, width % 2, 0, height % 2)).permute(0, 2, 3, 1)
    cells = cells.reshape(batch, -(-height // 2), 2, -(-width // 2), 2, channels)
    return cells.permute(2, 4, 0, 1, 3, 5).reshape(GROUPS, -1, channels)


def from_parity(x: Tensor, batch: int, height: int, width: int) -> Tensor:
    """The way back to [B, C, h, w]."""
    cells = x.reshape(2, 2, batch, -(-height // 2), -(-width // 2), x.shape[2]).permute(2, 3, 0, 4, 1, 5)
    whole = cells.reshape(batch, -(-height // 2) * 2, -(-width // 2) * 2, x.shape[2])
    return whole.permute(0, 3, 1, 2)[:, :, :height, :width]


def at_step(step: int, x: Tensor, channels: int) -> Tensor:
    """The group of channels that each parity codes at a step.

    Args:
      step: 0 to 3.
      x: [4, ..., M, ...], parities first.
      channels: which dimension holds the M channels.

    Returns:
      [4, ..., M / 4, ...].
    """
    groups = [parity.chunk(GROUPS, channels - 1) for parity in x.unbind()]
    return torch.stack([groups[parity][parity ^ TURNS[step]] for parity in range(GROUPS)])


def groups_of(steps: Sequence[Tensor]) -> Tensor:
    """All channels [4, N, M] from the groups [4, N, M / 4] of every step."""
    parities = [[steps[TURNS.index(parity ^ group)][parity] for group in range(GROUPS)] for parity in range(GROUPS)]
    return torch.stack([torch.cat(groups, dim=1) for groups in parities])


def zero_like(x: Tensor, training: bool) -> Tensor:
    """Zeros; in training the gradient passes, or a channel that is certain everywhere would never come back."""
    return x - x.detach() if training else torch.zeros_like(x)


CONTEXTS: dict[str, type[CausalContext] | type[QuadtreeContext]] = {CAUSAL: CausalContext, QUADTREE: QuadtreeContext}
