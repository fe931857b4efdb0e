"""Causal contexts in float: the mirror of `decoder_pkg.codecs.causal`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.entropy import CAUSAL_TAPS


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
