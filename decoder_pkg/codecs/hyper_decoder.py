"""Hyper-latents in exact integers: how they are coded, and what they predict of the latents.

Shared by the codecs that have them: means and features at the latents' resolution from a four times coarser grid.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from ..entropy import (
    CodingStep,
    Exchange,
    Grid,
    Integers,
    StaticTables,
    clamp_activation,
    leaky,
    pixel_shuffle,
    read_static_tables,
)
from ..grids import hyper_grid
from ..weight_files import TensorReader
from .interface import HYPER_LATENTS, LATENTS, CodingSetting, GridShape, Size
from .interface import Integers as PictureIntegers
from .layers import MEAN_EXPONENT, POINT, SCALE, SQUARE, Layer, read_layers, read_tables
from .transforms import TransformArchitecture, TransformCodec

PRIOR = "hyper_prior"
"""Prefix of the hyper-latents' tables in a weight file."""


@dataclass(frozen=True)
class HyperArchitecture(TransformArchitecture):
    """Transforms with hyper-latents.

    Attributes:
      hyper_channels: channels of the hyper-latents at 1/64 resolution.
      hyper_analysis_width: channels of the hyper-encoder.
      hyper_width: channels of the hyper-decoder.
      feature_width: features for each position of the latents that the hyper-decoder yields beside their means.
      predicts_mean: whether it yields means; else they are zero.
      scale_kind: what the networks yield of a latent's scale, under one distribution: SCALE or SIGMA.
    """

    predicts_mean: ClassVar[bool] = True
    scale_kind: ClassVar[str] = SCALE

    hyper_channels: int
    hyper_analysis_width: int
    hyper_width: int
    feature_width: int


FULL_HYPER = {"hyper_channels": 96, "hyper_analysis_width": 128, "hyper_width": 160}
GDN_HYPER = {"hyper_channels": 64, "hyper_analysis_width": 96, "hyper_width": 96}
SMOKE_HYPER = {"hyper_channels": 8, "hyper_analysis_width": 16, "hyper_width": 16}
"""Hyper-networks of the models that ship, beside GDN transforms, and of those that tests train in seconds."""


@dataclass(frozen=True)
class HyperParameters:
    """What the hyper-latents predict of the latents.

    Attributes:
      mean: [h, w, M] int32 in 1/MEAN_STEPS.
      features: [h, w, C] int32.
    """

    mean: Grid
    features: Grid


def hyper_layers(arch: HyperArchitecture, feature_peaks: tuple[str, ...] | str) -> tuple[Layer, ...]:
    """Layers of the hyper-decoder.

    Args:
      arch: the widths.
      feature_peaks: as `Layer.peak` of the layer that yields the features.
    """
    width, path = arch.hyper_width, "hyper_synthesis"
    mean = Layer("hyper.mean", f"{path}.mean", SQUARE, width, arch.latent_channels, "hyper.up16", MEAN_EXPONENT)
    return (
        Layer("hyper.enter", f"{path}.enter", SQUARE, arch.hyper_channels, width, 0, ("hyper.enter",)),
        Layer("hyper.up32", f"{path}.up32", POINT, width, 4 * width, "hyper.enter", ("hyper.up32",)),
        Layer("hyper.middle", f"{path}.middle", SQUARE, width, width, "hyper.up32", ("hyper.middle",)),
        Layer("hyper.up16", f"{path}.up16", POINT, width, 4 * width, "hyper.middle", ("hyper.up16",)),
        *((mean,) if arch.predicts_mean else ()),
        Layer("hyper.scale", f"{path}.scale", POINT, width, arch.feature_width, "hyper.up16", feature_peaks),
    )


class HyperDecoder:
    """The integer hyper-decoder of one model and the tables of its hyper-latents."""

    def __init__(self, layers: Iterable[Layer], arch: HyperArchitecture, reader: TensorReader) -> None:
        """Reads its layers, those named `hyper.*`, and tables."""
        self._layers = read_layers((layer for layer in layers if layer.name.startswith("hyper.")), reader)
        self._tables: StaticTables = read_static_tables(reader, PRIOR, arch.hyper_channels)
        self._channels, self._latent_channels = arch.hyper_channels, arch.latent_channels

    def grid(self, height: int, width: int) -> GridShape:
        """The hyper-latents over a latent grid."""
        return GridShape(*hyper_grid(height, width), self._channels, 1)

    def coded(self, height: int, width: int, gain: int, exchange: Exchange) -> Grid:
        """The hyper-latents [hz, wz, Z] over a latent grid, read or made in one step."""
        rows, columns = hyper_grid(height, width)
        count = rows * columns
        mean = np.zeros((count, self._channels), dtype=np.int32)
        step = CodingStep(HYPER_LATENTS, np.arange(count), mean, 1, self._tables.symbols(gain, count))
        return exchange(step).reshape(rows, columns, self._channels)

    def parameters(self, z: Grid, height: int, width: int) -> HyperParameters:
        """Runs the hyper-decoder on hyper-latents [hz, wz, Z] and crops to the latent grid."""
        x = self._up(z)
        mean = np.zeros((height, width, self._latent_channels), dtype=np.int32)
        if "hyper.mean" in self._layers:
            mean[:] = self._layers["hyper.mean"].grid(x)[:height, :width]
        features = self._layers["hyper.scale"].grid(x)[:height, :width].astype(np.int32)
        return HyperParameters(mean, features)

    def _up(self, z: Grid) -> Integers:
        """What both outputs are made of: [4hz, 4wz, C]."""
        layers = self._layers
        x = leaky(layers["hyper.enter"].grid(clamp_activation(z.astype(np.float64))))
        x = leaky(pixel_shuffle(layers["hyper.up32"].grid(x)))
        x = leaky(layers["hyper.middle"].grid(x))
        return leaky(pixel_shuffle(layers["hyper.up16"].grid(x)))


HyperArch = TypeVar("HyperArch", bound=HyperArchitecture)


class HyperCodec(TransformCodec[HyperArch]):
    """Codes hyper-latents first, then the latents by what those predict.

    Attributes:
      hyper_decoder: how its hyper-latents are decoded.
    """

    hyper_decoder: ClassVar[type[HyperDecoder]] = HyperDecoder

    def __init__(self, arch: HyperArch, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        layers = self.layers(arch)
        self._hyper = self.hyper_decoder(layers, arch, reader)
        self._context = read_layers((layer for layer in layers if layer.name.startswith("context.")), reader)

    def grids(self, size: Size) -> dict[str, GridShape]:
        latents = self.latent_grid(size)
        return {HYPER_LATENTS: self._hyper.grid(latents.height, latents.width), LATENTS: latents}

    def walk(self, size: Size, setting: CodingSetting, exchange: Exchange) -> PictureIntegers:
        height, width = self.latent_grid(size).plane
        z = self._hyper.coded(height, width, setting.gain.base, exchange)
        parameters = self._hyper.parameters(z, height, width)
        self.walk_latents(parameters.mean, parameters.features, setting.q, exchange)
        return {HYPER_LATENTS: z, LATENTS: parameters.mean}

    @abstractmethod
    def walk_latents(self, latents: Grid, features: Grid, q: int, exchange: Exchange) -> None:
        """Goes through the symbols of the latents.

        Args:
          latents: [h, w, M] int32, at first the means; each is replaced in place when its turn has come, so that a
            large picture needs no second grid.
          features: [h, w, C] int32.
          q: quantisation step.
          exchange: reads or makes the symbols of a step.
        """


class ScaledCodec(HyperCodec[HyperArch]):
    """A codec with hyper-latents whose latents are coded by scale."""

    def __init__(self, arch: HyperArch, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        self._tables = read_tables(arch.scale_kind, reader)
