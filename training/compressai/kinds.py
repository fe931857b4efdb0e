"""The kinds of networks of CompressAI that are read, and how each becomes a float codec."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from decoder_pkg.codecs import ARCHITECTURES, Architecture, stated
from decoder_pkg.codecs.deep_factorised import DeepFactorisedArchitecture
from decoder_pkg.codecs.deep_hyper_decoder import DeepHyperArchitecture
from decoder_pkg.gains import GAIN_COUNT, GAIN_LAMBDAS, GAIN_STEPS, OCTAVES
from encoder.codecs import FloatCodec, float_codec

from .checkpoint import CheckpointError, State
from .layers import Weights
from .networks import density, hyper_networks, transforms

ROWS = {row.name: row for row in ARCHITECTURES}

Build = Callable[[State, int], FloatCodec[Any]]
"""Makes the codec of a checkpoint's tensors, for the octave of lambda at which it was trained."""

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
      build: makes its codec.
      reach: gains on either side of that of the training that it serves too.
    """

    name: str
    is_meant: Callable[[State], bool]
    build: Build
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


def _factorised(row: str) -> Build:
    def build(state: State, octave: int) -> FloatCodec[Any]:
        width, channels = _widths(state)
        arch = _stated(row, {"latent_channels": channels, "width": width})
        assert isinstance(arch, DeepFactorisedArchitecture)
        weights = transforms(state, arch.transforms) | density(state, channels)
        log_step = 0.5 * math.log(2.0) * (octave - torch.arange(OCTAVES))
        return _loaded(arch, weights, log_step, weights["prior.median"])

    return build


def _hyperprior(row: str) -> Build:
    def build(state: State, _octave: int) -> FloatCodec[Any]:
        (width, channels), known = _widths(state), ROWS[row]
        assert isinstance(known, DeepHyperArchitecture)
        arch = _stated(row, known.hyper_widths(width, channels) | {"latent_channels": channels, "width": width})
        assert isinstance(arch, DeepHyperArchitecture)
        weights = transforms(state, arch.transforms) | density(state, width) | hyper_networks(state, arch)
        return _loaded(arch, weights, torch.zeros(OCTAVES), torch.zeros(channels))

    return build


def _widths(state: State) -> tuple[int, int]:
    """N and M, as the library calls them."""
    if "g_a.0.conv1.weight" in state:
        return (state.size("g_a.0.conv1.weight", 0),) * 2
    return state.size("g_a.0.weight", 0), state.size("g_a.6.weight", 0)


def _stated(row: str, widths: dict[str, int]) -> Architecture:
    try:
        return stated(ROWS[row], {name: widths[name] for name in ROWS[row].open_widths})
    except ValueError as error:
        raise CheckpointError(str(error)) from None


def _loaded(arch: Architecture, weights: Weights, log_step: Tensor, median: Tensor) -> FloatCodec[Any]:
    """A codec of these weights, with gains that scale all channels alike: a step for each octave."""
    codec, log_gain = float_codec(arch), -log_step[:, None].expand(-1, len(median))
    gains = {"analysis.log_gain": log_gain, "synthesis.log_inverse_gain": -log_gain, "prior.log_step": log_step}
    codec.load_state_dict(weights | gains | {"analysis.median": median, "synthesis.median": median})
    return codec


def _is_factorised(state: State) -> bool:
    names = ("g_s.6.weight", "entropy_bottleneck.quantiles")
    return all(name in state for name in names) and not state.mentions("h_a.", "h_s.")


def _is_between_gdn(state: State, outputs: int) -> bool:
    """Whether its hyper-synthesis yields so many values for each latent: kinds that differ in it share their names."""
    names = ("g_a.1.beta", "g_a.6.weight", "h_a.0.weight", "h_s.4.weight")
    if not all(name in state for name in names):
        return False
    return state.size("h_s.4.weight", 0) == outputs * state.size("g_a.6.weight", 0)


def _has_context(state: State) -> bool:
    return state.mentions("context_prediction.", "entropy_parameters.")


def _is_cheng(state: State, attends: bool) -> bool:
    return "g_a.0.conv1.weight" in state and state.mentions(".conv_a.", ".conv_b.") == attends


KINDS = (
    Kind(
        "bmshj2018-factorized",
        lambda state: _is_factorised(state) and "g_a.1.beta" in state,
        _factorised("deep-factorised"),
        REACH,
    ),
    Kind("bmshj2018-factorized-relu", _is_factorised, _factorised("deep-factorised-relu"), REACH),
    Kind(
        "bmshj2018-hyperprior",
        lambda state: _is_between_gdn(state, outputs=1) and not _has_context(state),
        _hyperprior("deep-scale-hyperprior"),
        0,
    ),
    Kind(
        "mbt2018-mean",
        lambda state: _is_between_gdn(state, outputs=2) and not _has_context(state),
        _hyperprior("deep-mean-scale"),
        0,
    ),
    Kind(
        "mbt2018",
        lambda state: _is_between_gdn(state, outputs=2) and _has_context(state),
        _hyperprior("deep-joint-autoregressive"),
        0,
    ),
    Kind(
        "cheng2020-anchor",
        lambda state: _is_cheng(state, attends=False),
        _hyperprior("deep-cheng-anchor"),
        0,
    ),
    Kind(
        "cheng2020-attn",
        lambda state: _is_cheng(state, attends=True),
        _hyperprior("deep-cheng-attention"),
        0,
    ),
)
