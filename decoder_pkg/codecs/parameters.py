"""The last layers of a parameter network: the mean of latents, and the model of their symbols."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..entropy import (
    LOGIT_BITS,
    Grid,
    IntegerConv,
    Integers,
    Mixture,
    ScaledSymbols,
    SymbolModel,
    mixture_weights,
    read_normal_tables,
    relative_means,
)
from ..entropy.normal_tables import WEIGHT_BITS
from ..weight_files import TensorReader
from .layers import MEAN_EXPONENT, MIXTURE_SCALE, POINT, Layer, read_tables


@dataclass(frozen=True)
class Predicted:
    """What is predicted of n positions.

    Attributes:
      mean: [n, C] int32 in 1/MEAN_STEPS.
      symbols: the model of what is coded of them.
    """

    mean: Grid
    symbols: SymbolModel


class Parameters(ABC):
    """Parameters of distributions from the outputs of a network."""

    @abstractmethod
    def of(self, x: Integers, q: int) -> Predicted:
        """Those of n positions, from activations [n, inputs], at quantisation step q."""


def parameter_layers(
    name: str, module: str, inputs: int, channels: int, source: str, components: int, scale_kind: str
) -> tuple[Layer, ...]:
    """Layers of one Gaussian a latent, or of a mixture of several.

    Args:
      name: prefix of their names.
      module: path of the float module that holds their convolutions.
      inputs: channels that they see.
      channels: latents at a position.
      source: layer whose output exponent is that of what they see.
      components: Gaussians of a latent.
      scale_kind: of one Gaussian, as `HyperArchitecture.scale_kind`.
    """

    def layer(part: str, peak: int | str) -> Layer:
        return Layer(f"{name}.{part}", f"{module}.{part}", POINT, inputs, components * channels, source, peak)

    if components == 1:
        return layer("mean", MEAN_EXPONENT), layer("scale", scale_kind)
    return layer("mean", MEAN_EXPONENT), layer("scale", MIXTURE_SCALE), layer("weight", LOGIT_BITS)


def read_parameters(
    layers: Mapping[str, IntegerConv], name: str, components: int, scale_kind: str, reader: TensorReader
) -> Parameters:
    """The last layers of a network, and the tables that they name.

    Raises:
      WeightsError: the tables are missing or do not fit together.
    """
    if components == 1:
        return GaussianParameters(layers, name, scale_kind, reader)
    return MixtureParameters(layers, name, components, reader)


class GaussianParameters(Parameters):
    """A mean, and a scale that names a table."""

    def __init__(self, layers: Mapping[str, IntegerConv], name: str, scale_kind: str, reader: TensorReader) -> None:
        self._mean, self._scale = layers[f"{name}.mean"], layers[f"{name}.scale"]
        self._tables = read_tables(scale_kind, reader)

    def of(self, x: Integers, q: int) -> Predicted:
        symbols = ScaledSymbols(self._tables, self._tables.index(self._scale.columns(x), q))
        return Predicted(self._mean.columns(x).astype(np.int32), symbols)


class MixtureParameters(Parameters):
    """Means, scales and weights of K Gaussians; symbols count from the mean of all (rounded down)."""

    def __init__(self, layers: Mapping[str, IntegerConv], name: str, components: int, reader: TensorReader) -> None:
        self._layers = [layers[f"{name}.{part}"] for part in ("mean", "scale", "weight")]
        self._tables, self._components = read_normal_tables(reader), components

    def of(self, x: Integers, q: int) -> Predicted:
        mean, scale, logits = (self._parts(layer.columns(x)) for layer in self._layers)
        weight = mixture_weights(logits)
        centre = (weight * mean).sum(0) >> WEIGHT_BITS
        bins = self._tables.bins(scale.astype(np.float64), q)
        return Predicted(centre.astype(np.int32), Mixture(self._tables, weight, relative_means(mean - centre, q), bins))

    def _parts(self, outputs: Integers) -> NDArray[np.int64]:
        """[n, K * C] to [K, n, C]."""
        parts = outputs.reshape(len(outputs), self._components, -1).transpose(1, 0, 2)
        return np.ascontiguousarray(parts, dtype=np.int64)
