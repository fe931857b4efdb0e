"""Layers of CompressAI as those of this project that compute the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from decoder_pkg.codecs.transforms.gdn import LEAST_BETA

from .checkpoint import State

Weights = dict[str, Tensor]

PEDESTAL = 2.0**-36
"""Of the library's non-negative parameters: the square of their smallest value."""


def convolution(state: State, source: str, target: str, outputs: int, inputs: int, side: int) -> Weights:
    """A convolution [O, I, side, side]."""
    weight = state.take(f"{source}.weight", outputs, inputs, side, side)
    return {f"{target}.weight": weight, f"{target}.bias": state.take(f"{source}.bias", outputs)}


def transposed(state: State, source: str, target: str, inputs: int, outputs: int) -> Weights:
    """A transposed 5x5 convolution of stride 2 as the 3x3 one of an `Upsample`.

    Sample 2j + a of a row is the sum over d of sample j + d of the input and tap a + 2 - 2d of the kernel.
    """
    kernel = state.take(f"{source}.weight", inputs, outputs, 5, 5)
    weight = torch.zeros(outputs, 2, 2, inputs, 3, 3)
    for row, down in _taps():
        for column, across in _taps():
            taps = kernel[:, :, row + 2 - 2 * down, column + 2 - 2 * across]
            weight[:, row, column, :, 1 + down, 1 + across] = taps.T
    bias = state.take(f"{source}.bias", outputs).repeat_interleave(4)
    return {f"{target}.weight": weight.reshape(4 * outputs, inputs, 3, 3), f"{target}.bias": bias}


def behind(matrix: Tensor, weights: Weights) -> Weights:
    """A convolution and a matrix [P, O] that its outputs are multiplied by, as one."""
    return {name: torch.tensordot(matrix, value.double(), 1).float() for name, value in weights.items()}


def parts(weights: Weights, targets: Sequence[str]) -> Weights:
    """A layer, read under no name, as several with equal shares of its outputs."""
    shares = {name: value.chunk(len(targets)) for name, value in weights.items()}
    return {f"{target}{name}": share[n] for name, share in shares.items() for n, target in enumerate(targets)}


def normalisation(state: State, source: str, target: str, width: int) -> Weights:
    """The parameters of a `Gdn`, which are squared where the library squares and bounds them."""
    beta, gamma = state.take(f"{source}.beta", width), state.take(f"{source}.gamma", width, width)
    return {
        f"{target}.root_beta": (_bounded(beta, LEAST_BETA) - LEAST_BETA).clamp(min=0).sqrt().float(),
        f"{target}.root_gamma": _bounded(gamma, 0.0).sqrt().float(),
    }


def _bounded(parameter: Tensor, least: float) -> Tensor:
    return (parameter.double().clamp(min=(least + PEDESTAL) ** 0.5).square() - PEDESTAL).clamp(min=least)


def _taps() -> list[tuple[int, int]]:
    """Which of two samples, and how far from it the input lies."""
    return [(part, away) for part in range(2) for away in range(-1, 2) if part + 2 - 2 * away <= 4]
