"""Float codecs with an analysis and a synthesis network; what follows the latents is their own."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor

from decoder_pkg.codecs.transforms import TransformArchitecture
from decoder_pkg.codecs.transforms.synthesis import Synthesis
from decoder_pkg.gains import OCTAVES

from ..interface import FloatCodec
from .table import build_analysis

INITIAL_LOG_GAIN = 1.5
"""Natural logarithm of the initial gain in the middle of the lambda range."""

Arch = TypeVar("Arch", bound=TransformArchitecture)


class TransformFloatCodec(FloatCodec[Arch]):
    """Analysis and synthesis with gain vectors for every octave of lambda."""

    synthesis: Synthesis

    def __init__(self, arch: Arch) -> None:
        super().__init__()
        self.arch = arch
        self.analysis = build_analysis(arch.transforms)
        self.synthesis = arch.transforms.build_synthesis()
        octave = torch.arange(OCTAVES) - OCTAVES // 2
        log_gain = (INITIAL_LOG_GAIN + 0.5 * math.log(2.0) * octave)[:, None].expand(-1, arch.latent_channels)
        with torch.no_grad():
            self.analysis.log_gain.copy_(log_gain)
            self.synthesis.log_inverse_gain.copy_(-log_gain)

    def analyse(self, picture: Tensor) -> Tensor:
        return self.analysis.unscaled(picture)

    @property
    def analysis_reach(self) -> int:
        return math.ceil(self.arch.transforms.analysis_reach)
