"""A codec in one file, both halves: the mean colour of every 16x16 block, under static tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs import LATENTS, Architecture, CodingSetting, GridShape, IntegerCodec, Integers, Layer, Size
from decoder_pkg.entropy import MEAN_STEPS, CodingStep, Exchange, latent_unit, read_static_tables
from decoder_pkg.gains import GAIN_STEPS
from decoder_pkg.grids import LATENT_STRIDE, latent_size
from decoder_pkg.pixels.render import Tile, render_tiles
from decoder_pkg.weight_files import TensorReader
from encoder.codecs import Coded, FactorisedPrior, FloatCodec, Latents, Relaxation
from encoder.codecs.likelihoods import StaticLikelihood

COLOURS = 3
PRIOR = "toy_prior"
DARKER = 0.03
"""By how much its pictures are too dark: what a filter may mend."""


@dataclass(frozen=True)
class ToyArchitecture(Architecture):
    """Nothing to choose."""


TOY = ToyArchitecture(240, "toy")


def scale(gain_index: Tensor) -> Tensor:
    """Latents for one unit of colour: [B] or [B, h, w] int64 to [B, 1, 1, 1] or [B, 1, h, w] float."""
    factor = 4 * torch.exp2(gain_index.float() / (2 * GAIN_STEPS))
    return factor[:, None, None, None] if factor.ndim == 1 else factor[:, None]


class ToySynthesis(nn.Module):
    """Every block in the colour that its latents stand for."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.5 - DARKER))

    def forward(self, y_hat: Tensor, gain_index: Tensor) -> Tensor:
        return F.interpolate(y_hat / scale(gain_index), scale_factor=LATENT_STRIDE) + self.level


class ToyCodec(IntegerCodec[ToyArchitecture]):
    """The decoder's half: all latents in one step."""

    architectures = (TOY,)

    def __init__(self, arch: ToyArchitecture, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        self._tables = read_static_tables(reader, PRIOR, COLOURS)
        self._synthesis = ToySynthesis()
        level = reader.get("synthesis.level", np.float32)
        self._synthesis.load_state_dict({"level": torch.tensor(level)})

    @staticmethod
    def layers(arch: ToyArchitecture) -> Sequence[Layer]:
        return ()

    def grids(self, size: Size) -> dict[str, GridShape]:
        return {LATENTS: GridShape(*latent_size(*size), COLOURS, MEAN_STEPS)}

    def walk(self, size: Size, setting: CodingSetting, exchange: Exchange) -> Integers:
        plane = latent_size(*size)
        count = plane[0] * plane[1]
        symbols = self._tables.symbols(setting.gain.base, count)
        mean = np.zeros((count, COLOURS), dtype=np.int32)
        step = CodingStep(LATENTS, np.arange(count), mean, latent_unit(setting.q), symbols)
        return {LATENTS: step.residuals(exchange(step)).reshape(*plane, COLOURS)}

    def synthesise(self, integers: Integers, setting: CodingSetting, margin: int) -> Iterator[Tile]:
        return render_tiles(self._synthesis, 0.0, integers[LATENTS], setting.gain, margin)

    def build(self) -> None:
        """There is nothing to build."""

    def place(self, device: str) -> None:
        self._synthesis.to(device)


class ToyFloatCodec(FloatCodec[ToyArchitecture]):
    """The float half."""

    architecture = ToyArchitecture

    def __init__(self, arch: ToyArchitecture) -> None:
        super().__init__()
        self.arch = arch
        self.synthesis = ToySynthesis()
        self.prior = FactorisedPrior(COLOURS)

    def analyse(self, picture: Tensor) -> Tensor:
        return F.avg_pool2d(picture - 0.5, LATENT_STRIDE)

    @property
    def analysis_reach(self) -> int:
        return 0

    @property
    def static_priors(self) -> Mapping[str, FactorisedPrior]:
        return {PRIOR: self.prior}

    def latents(self, analysed: Tensor, gain_index: Tensor) -> Latents:
        return {LATENTS: analysed * scale(gain_index)}

    def code(self, latents: Latents, gain_index: Tensor, step: float, relaxation: Relaxation) -> Coded:
        residual = latents[LATENTS] / step
        symbols = relaxation.quantise(residual)
        likelihood = StaticLikelihood(self.prior, gain_index)
        return Coded({LATENTS: symbols * step}, residual, symbols, likelihood, residual.new_zeros(len(residual)))
