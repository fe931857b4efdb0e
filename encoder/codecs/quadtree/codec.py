"""A quadtree context in float: the mirror of `decoder_pkg.codecs.quadtree`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.quadtree import GROUPS, TURNS, QuadtreeArchitecture
from decoder_pkg.codecs.transforms.residual import conv3

from ..hyper_networks import Context, ContextNetwork, HyperFloatCodec
from ..likelihoods import ScaledLikelihood
from ..relaxation import Quantiser


class QuadtreeFloatCodec(HyperFloatCodec[QuadtreeArchitecture]):
    """Means and scales from hyper-latents and from all latents of earlier steps."""

    architecture = QuadtreeArchitecture

    def __init__(self, arch: QuadtreeArchitecture) -> None:
        super().__init__(arch)
        self.context = QuadtreeContext(arch)


class QuadtreeContext(ContextNetwork):
    """Mean and scale from hyper features and all latents of earlier steps, mirroring `quadtree` of the decoder.

    Positions of one parity lie together, so that every step computes just the group of channels that each codes.
    """

    def __init__(self, arch: QuadtreeArchitecture) -> None:
        super().__init__()
        width, channels = arch.feature_width, arch.latent_channels
        self.embed = GroupInputs(2 * channels, arch.embed_width, 1)
        self.enter = nn.ModuleList(conv3(arch.embed_width, width) for _ in range(GROUPS - 1))
        self.hidden = nn.ModuleList(Pointwise(width, width, 1) for _ in range(GROUPS))
        self.mean = nn.ModuleList(GroupOutputs(width, channels, 1) for _ in range(GROUPS))
        self.scale = nn.ModuleList(GroupOutputs(width, channels, 1) for _ in range(GROUPS))

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Context:
        batch, _, height, width = y.shape
        y, mean, inputs = by_parity(y), by_parity(mean), by_parity(features)
        embedded = inputs.new_zeros(())
        steps: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        for turn in range(GROUPS):
            x = inputs
            if turn:
                known = from_parity(F.leaky_relu(embedded, 0.125), batch, height, width)
                x = x + by_parity(self.enter[turn - 1](known))
            x = F.leaky_relu(self.hidden[turn](F.leaky_relu(x, 0.125)), 0.125)
            offset = self.mean[turn](x, turn)
            log2_sigma = self.scale[turn](x, turn) - math.log2(step)
            expected = at_step(turn, mean, 2) + offset
            residual = (at_step(turn, y, 2) - expected) / step
            likelihood = ScaledLikelihood(log2_sigma)
            coded = Context.of(residual, expected, step, likelihood, quantise(residual), self.training)
            change = coded.symbols * step
            steps.append((residual, coded.symbols, log2_sigma, coded.y_hat))
            if turn < GROUPS - 1:
                seen = torch.cat([change + offset, change.abs()], dim=2)
                embedded = self.embed(embedded, seen, turn)
        parts = (from_parity(groups_of(part), batch, height, width) for part in zip(*steps, strict=True))
        residual, symbols, log2_sigma, y_hat = parts
        return Context(residual, symbols, ScaledLikelihood(log2_sigma), y_hat)


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
