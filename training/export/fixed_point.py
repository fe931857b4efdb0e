"""Float entropy networks to integers with power-of-two scales, calibrated on training pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from decoder_pkg.codecs import Layer, codec_of
from decoder_pkg.codecs.layers import SIGMA, SIGMA_EXPONENT
from decoder_pkg.entropy import ACTIVATION_LIMIT, MAX_SHIFT, TAPS, WEIGHT_LIMIT
from encoder.codecs import LOG2_SIGMA_MIN, SCALE_UNIT, FloatCodec, source_exponent, watched_convolutions

from .trained import ExportError

HEADROOM = 2.0
"""Activations may be this many times larger than any seen in calibration before they are clamped."""

WEIGHT_HEADROOM = 2.0
"""The same for weights: fine-tuned models keep the shifts of their base."""

Arrays = dict[str, NDArray[np.generic]]


@torch.no_grad()
def calibrate(model: FloatCodec[Any], batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Largest magnitude of each layer's output over (pictures, gain indices)."""
    rows = codec_of(model.arch).layers(model.arch)
    peaks = {row.name: 0.0 for row in rows}
    names = {row.module: row.name for row in rows}

    def watch(path: str, _conv: nn.Conv2d, _x: Tensor, output: Tensor) -> None:
        if path in names:
            peaks[names[path]] = max(peaks[names[path]], float(output.abs().max()))

    model.eval()
    with watched_convolutions(model, watch):
        for pictures, gains in batches:
            model(pictures, gains)
    assert all(peaks.values()), f"no output seen of {[name for name, peak in peaks.items() if not peak]}"
    return peaks


def quantise_layers(model: FloatCodec[Any], peaks: dict[str, float]) -> tuple[Arrays, dict[str, int]]:
    """Integer weight, bias and shift of every layer of the plan, and the exponent of its output, by name."""
    exponents: dict[str, int] = {}
    arrays: Arrays = {}
    for row in codec_of(model.arch).layers(model.arch):
        source = source_exponent(row, exponents)
        weight, bias = float_layer(model, row)
        exponents[row.name] = _target_exponent(row, peaks)
        if row.peak == (row.name,):
            # A finer output than the weights can express would have them clipped; sums share one exponent.
            exponents[row.name] = min(exponents[row.name], source + _weight_exponent(np.abs(weight).max()))
        shift = _shift(weight, source, exponents[row.name])
        scale = np.exp2(shift + exponents[row.name] - source)
        arrays[f"{row.name}.weight"] = np.round(weight * scale).astype(np.int16)
        arrays[f"{row.name}.bias"] = integer_bias(bias, scale, source, shift)
        arrays[f"{row.name}.shift"] = shift.astype(np.int8)
    return arrays, exponents


def float_layer(model: FloatCodec[Any], row: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight [taps, I, O] and bias [O] of a layer, in units of what its output stands for."""
    conv = model.get_submodule(row.module)
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    weight, bias = tap_major(conv.weight, row.taps), conv.bias.detach().double().numpy()
    return (weight * SCALE_UNIT, (bias - LOG2_SIGMA_MIN) * SCALE_UNIT) if row.yields_scale else (weight, bias)


def integer_bias(
    bias: NDArray[np.float64], scale: NDArray[np.float64], source: int, shift: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The bias in units of the products, with the half that makes the shift a rounding."""
    half = np.where(shift > 0, np.exp2(shift - 1), 0)
    total: NDArray[np.int64] = (np.round(bias * scale * np.exp2(source)) + half).astype(np.int64)
    return total


def _target_exponent(row: Layer, peaks: dict[str, float]) -> int:
    if isinstance(row.peak, int):
        return row.peak
    if row.peak == SIGMA:
        return SIGMA_EXPONENT
    return 0 if isinstance(row.peak, str) else _exponent(max(peaks[name] for name in row.peak))


def _exponent(peak: float) -> int:
    """Largest power-of-two scale at which HEADROOM times the peak fits an activation."""
    return math.floor(math.log2(ACTIVATION_LIMIT / (HEADROOM * max(peak, 1e-3))))


def _weight_exponent(largest: float) -> int:
    """Largest power-of-two scale at which WEIGHT_HEADROOM times a weight fits 16 bits."""
    return math.floor(math.log2(WEIGHT_LIMIT / (WEIGHT_HEADROOM * max(largest, 2.0**-40))))


def tap_major(weight: Tensor, taps: int) -> NDArray[np.float64]:
    """[O, I, k, k] float to [taps, I, O] float64."""
    centre = weight.shape[2] // 2
    rows = [weight[:, :, centre + row, centre + column].T for row, column in TAPS[taps]]
    stacked: NDArray[np.float64] = torch.stack(rows).detach().double().numpy()
    return stacked


def _shift(weight: NDArray[np.float64], source: int, target: int) -> NDArray[np.int64]:
    """[O] the largest shift at which each output's weights fit 16 bits."""
    largest = np.abs(weight).max(axis=(0, 1))
    finest = np.array([_weight_exponent(value) for value in largest], dtype=np.int64)
    shift = np.minimum(finest + source - target, MAX_SHIFT)
    if shift.min() < 0:
        raise ExportError(f"weights of {largest.max():.3g} do not fit 16 bits at exponent {target - source}")
    return shift
