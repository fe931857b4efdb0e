"""Densities whose cumulative distribution is a monotone network (Ballé et al. 2018, appendix 6.1)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.gains import OCTAVES

from .static_priors import StaticPrior, nearest_octave

WIDTHS = (1, 3, 3, 3, 3, 1)
"""Of the layers of each channel's network."""

INITIAL_SCALE = 10.0
"""How wide a density is at first."""


class DeepDensity(StaticPrior):
    """One network per channel, seen at each octave of lambda through a step of its own.

    Attributes:
      median: [C] float, what the integer zero stands for.
      log_step: [octaves] float, natural logarithm of the distance between two integers.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths, layers = list(pairwise(WIDTHS)), len(WIDTHS) - 1
        slopes = [torch.tensor(INITIAL_SCALE ** (-1 / layers) / outputs).expm1().log() for _, outputs in widths]
        self.matrices = nn.ParameterList(
            slope.expand(channels, outputs, inputs).clone()
            for slope, (inputs, outputs) in zip(slopes, widths, strict=True)
        )
        self.biases = nn.ParameterList(torch.rand(channels, outputs, 1) - 0.5 for _, outputs in widths)
        self.factors = nn.ParameterList(torch.zeros(channels, outputs, 1) for _, outputs in widths[:-1])
        self.median: Tensor
        self.log_step: Tensor
        self.register_buffer("median", torch.zeros(channels))
        self.register_buffer("log_step", torch.zeros(OCTAVES))

    def likelihood(self, z: Tensor, gain_index: Tensor) -> Tensor:
        step = torch.exp(self.log_step[nearest_octave(gain_index)])[:, None, None, None]
        value = z * step + self.median[:, None, None]
        lower, upper = self._logits(value - step / 2), self._logits(value + step / 2)
        # The sign flip keeps both sigmoids in their accurate tail.
        sign = -torch.sign(lower + upper).detach()
        return (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs()

    def centre(self) -> Tensor:
        return self.median.new_zeros(OCTAVES, len(self.median))

    def _logits(self, x: Tensor) -> Tensor:
        """Logits of the cumulative distribution at x [B, C, h, w]."""
        logits = x.transpose(0, 1).flatten(1)[:, None]
        for matrix, bias, factor in zip(self.matrices, self.biases, [*self.factors, None], strict=True):
            logits = F.softplus(matrix) @ logits + bias
            if factor is not None:
                logits = logits + torch.tanh(factor) * torch.tanh(logits)
        batch, channels, *plane = x.shape
        return logits.view(channels, batch, *plane).transpose(0, 1)
