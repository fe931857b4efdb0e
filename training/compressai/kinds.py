"""The kinds of networks of CompressAI that are read, and how each becomes a float codec."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from decoder_pkg.codecs import ARCHITECTURES, Architecture, stated
from decoder_pkg.gains import GAIN_COUNT, GAIN_LAMBDAS, GAIN_STEPS, OCTAVES
from encoder.codecs import FloatCodec, float_codec
from encoder.codecs.deep_density import WIDTHS

from .checkpoint import CheckpointError, State
from .layers import Weights, convolution, normalisation, transposed

ROWS = {row.name: row for row in ARCHITECTURES}

REACH = 2 * GAIN_STEPS
"""Gains on either side of that of the training, which finer and coarser steps serve where no network sees what is
scaled: two octaves of lambda."""


@dataclass(frozen=True)
class Imported:
    """A network as it was read.

    Attributes:
      kind: its name in the library.
      model: in evaluation mode; at the gain of its training it computes what the library does.
      gains: indices of the gains that it serves.
    """

    kind: str
    model: FloatCodec[Any]
    gains: range


@dataclass(frozen=True)
class Kind:
    """A kind of network.

    Attributes:
      name: in the library.
      is_meant: whether a checkpoint is of this kind, by names that only it has.
      build: the codec of its tensors, for the octave of lambda at which it was trained.
      reach: gains on either side of that of the training that it serves too.
    """

    name: str
    is_meant: Callable[[State], bool]
    build: Callable[[State, int], FloatCodec[Any]]
    reach: int


def import_state(state: State, multiplier: float) -> Imported:
    """The float codec of a checkpoint.

    Args:
      state: its tensors.
      multiplier: the lambda that it was trained with, as the library counts: of 255^2 times the mean squared error.

    Raises:
      CheckpointError: it is of no kind that is read, or not whole.
    """
    octave = nearest_octave(multiplier)
    for kind in KINDS:
        if kind.is_meant(state):
            try:
                model = kind.build(state, octave)
                state.finish()
            except CheckpointError as error:
                raise CheckpointError(f"it looks like {kind.name}, but {error}") from None
            gain = octave * GAIN_STEPS
            gains = range(max(gain - kind.reach, 0), min(gain + kind.reach, GAIN_COUNT - 1) + 1)
            return Imported(kind.name, model.eval(), gains)
    raise CheckpointError(f"it is no network that can be read; these are {', '.join(kind.name for kind in KINDS)}")


def nearest_octave(multiplier: float) -> int:
    """The octave whose lambda is nearest, the lowest or the highest where it lies beyond."""
    return min(max(round(math.log2(multiplier / GAIN_LAMBDAS[0])), 0), OCTAVES - 1)


def _factorised(row: str, is_rectified: bool) -> Callable[[State, int], FloatCodec[Any]]:
    def build(state: State, octave: int) -> FloatCodec[Any]:
        width, channels = state.size("g_a.0.weight", 0), state.size("g_a.6.weight", 0)
        arch = _stated(row, {"latent_channels": channels, "width": width})
        log_step = 0.5 * math.log(2.0) * (octave - torch.arange(OCTAVES))
        weights = _transforms(state, width, channels, is_rectified) | _gains(log_step, channels)
        weights |= _density(state, "entropy_bottleneck", channels)
        median = weights["prior.median"]
        codec = float_codec(arch)
        codec.load_state_dict(
            weights | {"prior.log_step": log_step, "analysis.median": median, "synthesis.median": median}
        )
        return codec

    return build


def _hyperprior(state: State, _octave: int) -> FloatCodec[Any]:
    width, channels = state.size("g_a.0.weight", 0), state.size("g_a.6.weight", 0)
    hyper = dict.fromkeys(("width", "hyper_channels", "hyper_analysis_width", "hyper_width"), width)
    codec = float_codec(
        _stated("deep-scale-hyperprior", hyper | {"latent_channels": channels, "feature_width": channels})
    )
    weights = _transforms(state, width, channels, is_rectified=False) | _gains(torch.zeros(OCTAVES), channels)
    weights |= _density(state, "entropy_bottleneck", width)
    weights |= convolution(state, "h_a.0", "hyper_analysis.enter", width, channels, 3)
    weights |= convolution(state, "h_a.2", "hyper_analysis.down", width, width, 5)
    weights |= convolution(state, "h_a.4", "hyper_analysis.leave", width, width, 5)
    weights |= transposed(state, "h_s.0", "hyper_synthesis.enter", width, width)
    weights |= transposed(state, "h_s.2", "hyper_synthesis.middle", width, width)
    weights |= convolution(state, "h_s.4", "hyper_synthesis.scale", channels, width, 3)
    zero = torch.zeros(channels)
    codec.load_state_dict(
        weights | {"prior.log_step": torch.zeros(OCTAVES), "analysis.median": zero, "synthesis.median": zero}
    )
    return codec


def _stated(row: str, widths: dict[str, int]) -> Architecture:
    try:
        return stated(ROWS[row], widths)
    except ValueError as error:
        raise CheckpointError(str(error)) from None


def _transforms(state: State, width: int, channels: int, is_rectified: bool) -> Weights:
    """Four layers either way, at the even places; what is between them at the odd ones."""
    down, up = [3, width, width, width, channels], [channels, width, width, width, 3]
    weights: Weights = {}
    for layer in range(4):
        place = 2 * layer
        analysis, synthesis = f"analysis.layers.{place}", f"synthesis.layers.{place}"
        weights |= convolution(state, f"g_a.{place}", analysis, down[layer + 1], down[layer], 5)
        weights |= transposed(state, f"g_s.{place}", synthesis, up[layer], up[layer + 1])
    if not is_rectified:
        for place in (1, 3, 5):
            weights |= normalisation(state, f"g_a.{place}", f"analysis.layers.{place}", width)
            weights |= normalisation(state, f"g_s.{place}", f"synthesis.layers.{place}", width)
    return weights


def _gains(log_step: Tensor, channels: int) -> Weights:
    """Gains that scale all channels alike: coarser and finer steps, one at the octave of the training."""
    log_gain = -log_step[:, None].expand(-1, channels)
    return {"analysis.log_gain": log_gain, "synthesis.log_inverse_gain": -log_gain}


def _density(state: State, source: str, channels: int) -> Weights:
    """A `DeepDensity` and its medians."""
    weights: Weights = {"prior.median": state.take(f"{source}.quantiles", channels, 1, 3)[:, 0, 1]}
    for layer in range(len(WIDTHS) - 1):
        inputs, outputs = WIDTHS[layer : layer + 2]
        weights[f"prior.matrices.{layer}"] = state.take(f"{source}.matrices.{layer}", channels, outputs, inputs)
        weights[f"prior.biases.{layer}"] = state.take(f"{source}.biases.{layer}", channels, outputs, 1)
        if layer < len(WIDTHS) - 2:
            weights[f"prior.factors.{layer}"] = state.take(f"{source}.factors.{layer}", channels, outputs, 1)
    return weights


def _is_factorised(state: State) -> bool:
    has_hyper = "h_a.0.weight" in state or "h_s.0.weight" in state
    return "g_s.6.weight" in state and "entropy_bottleneck.quantiles" in state and not has_hyper


def _is_hyperprior(state: State) -> bool:
    """The network of means beside the scales has the same names, and twice as many outputs."""
    names = ("g_a.1.beta", "g_a.6.weight", "h_a.0.weight", "h_s.4.weight")
    has_all = all(name in state for name in names) and "context_prediction.weight" not in state
    return has_all and state.size("h_s.4.weight", 0) == state.size("g_a.6.weight", 0)


KINDS = (
    Kind(
        "bmshj2018-factorized",
        lambda state: _is_factorised(state) and "g_a.1.beta" in state,
        _factorised("deep-factorised", is_rectified=False),
        REACH,
    ),
    Kind("bmshj2018-factorized-relu", _is_factorised, _factorised("deep-factorised-relu", is_rectified=True), REACH),
    Kind("bmshj2018-hyperprior", _is_hyperprior, _hyperprior, 0),
)
