"""A fine-tuned model as a delta: small integers to be added to the weights of its base.

Each weight tensor has one step size: the less the loss depends on its weights, the coarser (the mean squared gradient
tells). What is left for each tensor to cost is then the same, which takes the fewest bits in all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.codecs import Layer, codec_of
from decoder_pkg.models import DecoderModel
from decoder_pkg.weight_files import DELTA, HIGH, LARGEST, MAX_SHIFT, SCALE_SUFFIX, SHIFTS
from encoder.codecs import SCALE_UNIT, FloatCodec, source_exponent

from ..data import CropSet
from ..tasks import losses
from .compensated_rounding import round_compensated
from .fixed_point import float_layer, integer_bias, tap_major
from .trained import ExportError

STEP_COST = 2.4e-7
"""Step size times the root mean square of the loss's gradient, for every tensor; measured in training/README.md."""

MOST_FINER = 7
"""A fine-tuned model's steps are at most this many times half of its base's; 8-bit integers then fit 16 bits."""

LEAST_SQUARE = 1e-30
"""Stands for the squared gradient of weights that have none."""

SAMPLES = 48
SIDE = 256

Arrays = Mapping[str, NDArray[np.generic]]
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Goal:
    """What a tensor shall become.

    Attributes:
      value: float64, in units of the integers of the base model's tensor, and of its shape.
      squared_gradient: mean over the tensor of the loss's squared gradient with respect to these values.
      outputs: which axis counts the outputs; each is a sum over all other axes.
      moment: products of the inputs of these sums, in the order of the other axes, see `input_moments`.
    """

    value: NDArray[np.float64]
    squared_gradient: float
    outputs: int
    moment: Tensor | None

    def rounded(self, start: NDArray[np.float64], unit: float, most: float) -> NDArray[np.float64]:
        """Integers, of the value's shape, which times the unit and added to the start come near it, within +-most."""
        bounds = np.ceil((-most - start) / unit), np.floor((most - start) / unit)
        rows, low, high = (np.moveaxis(x, self.outputs, 0) for x in ((self.value - start) / unit, *bounds))
        if self.moment is None:
            codes: NDArray[np.float64] = np.clip(np.round(rows), low, high)
        else:
            flat, least, most_codes = (x.reshape(len(rows), -1) for x in (rows, low, high))
            codes = round_compensated(flat, least, most_codes, self.moment).reshape(rows.shape)
        return np.moveaxis(codes, 0, self.outputs)


def squared_gradients(model: FloatCodec[Any], crops: CropSet, gains: range, distortion: str) -> dict[str, Tensor]:
    """Mean over training crops of the loss's squared gradient, for every convolution's weights, by name."""
    weights = {name: weight for name, weight in model.named_parameters() if weight.ndim == 4}
    sums = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    rng, noise = np.random.default_rng(2), torch.Generator().manual_seed(2)
    model.train()
    for sample in range(SAMPLES):
        gain = torch.tensor([gains[sample * len(gains) // SAMPLES]])
        loss = losses(model, crops.batch(rng, 1, SIDE), gain, distortion, generator=noise).sum()
        for total, gradient in zip(sums.values(), torch.autograd.grad(loss, list(weights.values())), strict=True):
            total += gradient.square() / SAMPLES
    model.eval()
    return sums


def transform_goals(
    model: FloatCodec[Any], networks: tuple[str, ...], base: Arrays, squares: Tensors, moments: Tensors
) -> dict[str, Goal]:
    """Goals of float networks' weights, for those that the base model has as integers."""
    goals = {}
    for name, weight in model.state_dict().items():
        scales = base.get(name + SCALE_SUFFIX)
        if name.startswith(networks) and name in squares and scales is not None:
            scale = scales.astype(np.float64)[:, None, None, None]
            gradient = squares[name].double().numpy() * scale**2
            goals[name] = Goal(weight.double().numpy() / scale, float(gradient.mean()), 0, moments.get(name))
    return goals


def entropy_goals(model: FloatCodec[Any], base: DecoderModel, squares: Tensors, moments: Tensors) -> dict[str, Goal]:
    """Goals of the integer layers' weights at the base model's scales."""
    goals: dict[str, Goal] = {}
    for row in codec_of(model.arch).layers(model.arch):
        scale = np.exp2(_shift(row, base) + base.exponents[row.name] - source_exponent(row, base.exponents))
        weight, _ = float_layer(model, row)
        unit = 1 / (scale * (SCALE_UNIT if row.yields_scale else 1.0))
        name = f"{row.module}.weight"
        gradient = tap_major(squares[name], row.taps) * unit**2
        moment = _tap_major_moment(moments.get(name), row.taps)
        goals[f"{row.name}.weight"] = Goal(weight * scale, float(gradient.mean()), 2, moment)
    return goals


def entropy_biases(model: FloatCodec[Any], base: DecoderModel, changes: Arrays) -> dict[str, NDArray[np.generic]]:
    """Biases of the integer layers, and the shifts of those whose weights are halved.

    Raises:
      ExportError: a layer cannot be halved.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for row in codec_of(model.arch).layers(model.arch):
        source, shift = source_exponent(row, base.exponents), _shift(row, base)
        halved = max(0, -int(changes[f"{row.name}.weight{SHIFTS}"][0]))
        if halved:
            shift = shift - halved
            arrays[f"{row.name}.shift"] = shift.astype(np.int8)
        if shift.min() < 0:
            raise ExportError(f"weights of {row.name} have grown beyond 16 bits")
        _, bias = float_layer(model, row)
        arrays[f"{row.name}.bias"] = integer_bias(
            bias, np.exp2(shift + base.exponents[row.name] - source), source, shift
        )
    return arrays


def _shift(row: Layer, base: DecoderModel) -> NDArray[np.int64]:
    return base.file.tensors[f"{row.name}.shift"].astype(np.int64)


def _tap_major_moment(moment: Tensor | None, taps: int) -> Tensor | None:
    """Moments in the order of an integer layer's inputs [taps, I]; its taps are all those of a square window."""
    if moment is None:
        return None
    order = torch.arange(len(moment)).reshape(-1, taps).T.flatten()
    return moment[order][:, order]


def delta_tensors(goals: Mapping[str, Goal], base: Arrays) -> dict[str, NDArray[np.generic]]:
    """The tensors that a delta file holds for these goals, see `decoder_pkg.weight_files.deltas`."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, goal in goals.items():
        start = base[name].astype(np.float64)
        wanted = round(math.log2(STEP_COST / math.sqrt(max(goal.squared_gradient, LEAST_SQUARE))))
        exponent = min(max(wanted, -MOST_FINER if base[name].dtype == np.int8 else 0), MAX_SHIFT)
        left, right = max(-exponent, 0), max(exponent, 0)
        codes = goal.rounded(start, 2.0**exponent, LARGEST / 2**left)
        high = np.floor((codes + 128) / 256)
        arrays[name + DELTA] = (codes - 256 * high).astype(np.int8)
        assert np.abs(high).max() < 128, f"{name} changed by more than its range"
        if high.any():
            arrays[name + HIGH] = high.astype(np.int8)
        arrays[name + SHIFTS] = np.array([left, right], dtype=np.int8)
        if left:
            arrays[name + SCALE_SUFFIX] = base[name + SCALE_SUFFIX].astype(np.float32) / np.float32(2**left)
    return arrays
