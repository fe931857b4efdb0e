"""Float codecs with the residual transforms; what follows the latents is their own."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor

from decoder_pkg.codecs.transforms import TransformArchitecture
from decoder_pkg.codecs.transforms.residual import Synthesis
from decoder_pkg.gains import OCTAVES

from ..interface import FloatCodec
from .residual import Analysis

INITIAL_LOG_GAIN = 1.5
"""Natural logarithm of the initial gain in the middle of the lambda range."""

Arch = TypeVar("Arch", bound=TransformArchitecture)


class TransformFloatCodec(FloatCodec[Arch]):
    """Analysis and synthesis with gain vectors for every octave of lambda."""

    synthesis: Synthesis

    def __init__(self, arch: Arch) -> None:
        super().__init__()
        self.arch = arch
        self.analysis = Analysis(arch)
        self.synthesis = Synthesis(arch)
        octave = torch.arange(OCTAVES) - OCTAVES // 2
        log_gain = (INITIAL_LOG_GAIN + 0.5 * math.log(2.0) * octave)[:, None].expand(-1, arch.latent_channels)
        with torch.no_grad():
            self.analysis.log_gain.copy_(log_gain)
            self.synthesis.log_inverse_gain.copy_(-log_gain)

    def analyse(self, picture: Tensor) -> Tensor:
        return self.analysis.unscaled(picture)

    @property
    def analysis_reach(self) -> int:
        arch = self.arch
        at_quarter, at_eighth, at_sixteenth = 1 / 4, (1 + 2 * arch.analysis_blocks8) / 2, 2 + 2 * arch.analysis_blocks16
        return math.ceil(at_quarter + at_eighth + at_sixteenth)
