"""Hyper-decoders as CompressAI has them, in exact integers: hyper-latents about medians, standard deviations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from ..entropy import MEAN_STEPS, Grid, Integers, clamp_activation, leaky, pixel_shuffle
from ..weight_files import TensorReader
from .hyper_decoder import HyperArchitecture, HyperDecoder
from .layers import MEAN_EXPONENT, SIGMA, SQUARE, Layer

MEDIAN = "hyper_median"
"""Tensor of a weight file: what the integer zero of each channel stands for, in 1/MEAN_STEPS."""

HUNDREDTH = 10486 / 2**20
"""0.01 in so few bits that its products with activations are exact."""

HYPER_WIDTHS = (
    "latent_channels", "hyper_channels", "hyper_analysis_width", "hyper_width", "upper_width", "feature_width"
)  # fmt: skip
"""What a weight file states beside the width of transforms that have one of their own."""


class Stage(NamedTuple):
    """A 3x3 layer of the hyper-decoder, with a rectifier behind it.

    Attributes:
      name: of the layer.
      inputs, outputs: channels; if it is `shuffled`, four make one of twice the height and width.
    """

    name: str
    inputs: int
    outputs: int
    shuffled: bool


@dataclass(frozen=True)
class DeepHyperArchitecture(HyperArchitecture):
    """Networks whose widths the weight file states; hyper_width is that of the hyper-decoder at 1/32 resolution.

    Attributes:
      slope: of the rectifiers.
      refined: whether a further layer precedes each that makes the grid finer, which then see 3x3 neighbours.
      upper_width: channels of the hyper-decoder at 1/16 resolution.
    """

    open_widths: ClassVar[tuple[str, ...]] = (*HYPER_WIDTHS, "width")
    scale_kind: ClassVar[str] = SIGMA
    slope: ClassVar[float] = HUNDREDTH
    refined: ClassVar[bool] = False

    upper_width: int

    @classmethod
    def hyper_widths(cls, width: int, channels: int) -> dict[str, int]:
        """What follows from the library's N and M."""
        widths = dict.fromkeys(("hyper_channels", "hyper_analysis_width"), width)
        return widths | {"hyper_width": channels, "upper_width": 3 * channels // 2, "feature_width": channels}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """From hyper-latents to what the outputs are made of."""
        channels, width, upper = self.hyper_channels, self.hyper_width, self.upper_width
        if self.refined:
            return (
                Stage("enter", channels, width, False),
                Stage("up32", width, 4 * width, True),
                Stage("middle", width, upper, False),
                Stage("up16", upper, 4 * upper, True),
            )
        return (Stage("up32", channels, 4 * width, True), Stage("up16", width, 4 * upper, True))


def deep_hyper_layers(arch: DeepHyperArchitecture, feature_peaks: tuple[str, ...] | str) -> tuple[Layer, ...]:
    """Layers of the hyper-decoder; arguments as of `hyper_layers`."""
    path, source, rows = "hyper_synthesis", MEAN_EXPONENT, list[Layer]()

    def layer(part: str, inputs: int, outputs: int, peak: tuple[str, ...] | int | str) -> Layer:
        before = rows[-1].name if rows else source
        return Layer(f"hyper.{part}", f"{path}.{part}", SQUARE, inputs, outputs, before, peak)

    for stage in arch.stages:
        rows.append(layer(stage.name, stage.inputs, stage.outputs, (f"hyper.{stage.name}",)))
    mean = layer("mean", arch.upper_width, arch.latent_channels, MEAN_EXPONENT)
    scale = layer("scale", arch.upper_width, arch.feature_width, feature_peaks)
    return (*rows, *((mean,) if arch.predicts_mean else ()), scale)


class DeepHyperDecoder(HyperDecoder):
    """3x3 layers, some of them to twice the height and width, with rectifiers between them."""

    def __init__(self, layers: Iterable[Layer], arch: DeepHyperArchitecture, reader: TensorReader) -> None:
        super().__init__(layers, arch, reader)
        self._median = reader.get(MEDIAN, np.int32, arch.hyper_channels).astype(np.float64)
        self._stages, self._slope = arch.stages, arch.slope

    def _up(self, z: Grid) -> Integers:
        x = clamp_activation(z.astype(np.float64) * MEAN_STEPS + self._median)
        for stage in self._stages:
            x = self._layers[f"hyper.{stage.name}"].grid(x)
            x = leaky(pixel_shuffle(x) if stage.shuffled else x, self._slope)
        return x
