"""Integer layers back to float: the convolutions of a float codec that its decoder's layers stand for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from decoder_pkg.codecs import Layer, codec_of, read_layers
from decoder_pkg.entropy import BIN_OCTAVES, SCALE_SHIFT, TAPS, IntegerConv
from decoder_pkg.models import DecoderModel

from .likelihoods import LOG2_SIGMA_MIN

SCALE_UNIT = (1 << SCALE_SHIFT) / BIN_OCTAVES
"""Integer steps per unit of log2 sigma."""


def source_exponent(layer: Layer, exponents: Mapping[str, int]) -> int:
    """Power-of-two scale of a layer's input."""
    return layer.source if isinstance(layer.source, int) else exponents[layer.source]


def load_layers(codec: nn.Module, model: DecoderModel) -> None:
    """Sets the convolutions of the entropy networks to the integers of a decoder's model, scaled.

    Rates estimated with them are those of the integer model but for the rounding of activations.
    """
    declared = codec_of(model.arch).layers(model.arch)
    layers = read_layers(declared, model.reader)
    for layer in declared:
        conv = codec.get_submodule(layer.module)
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        source = source_exponent(layer, model.exponents)
        weight, bias = _dequantise(layers[layer.name], source, model.exponents[layer.name])
        if layer.yields_scale:
            weight, bias = weight / SCALE_UNIT, bias / SCALE_UNIT + LOG2_SIGMA_MIN
        centre = conv.kernel_size[0] // 2
        with torch.no_grad():
            conv.weight.zero_()
            conv.bias.copy_(torch.from_numpy(bias))
            for tap, (down, across) in enumerate(TAPS[layer.taps]):
                conv.weight[:, :, centre + down, centre + across] = torch.from_numpy(weight[tap].T.copy())


def _dequantise(layer: IntegerConv, source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight [taps, I, O] and bias [O] in float64."""
    half = np.where(layer.scale < 1, 0.5 / layer.scale, 0.0)
    weight = layer.weight * layer.scale * 2.0 ** (source - target)
    bias = (layer.bias - half) * layer.scale * 2.0**-target
    return weight.reshape(len(layer.taps), -1, weight.shape[1]), bias
