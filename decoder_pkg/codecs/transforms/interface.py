"""Codecs whose pictures are a float network's: latents at 1/16 resolution, synthesised tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from ...entropy import MEAN_STEPS
from ...errors import WeightsError
from ...grids import latent_size
from ...weight_files import unpack
from ..interface import LATENTS, Architecture, CodingSetting, GridShape, IntegerCodec, Integers, Size

# torch takes most of the start-up: what needs only the latents, and every error before the pixels, does without it.
if TYPE_CHECKING:
    from ...pixels.render import Tile
    from .residual import Synthesis


@dataclass(frozen=True)
class TransformArchitecture(Architecture):
    """Widths and depths of the residual transforms.

    Attributes:
      latent_channels: channels of the latents at 1/16 resolution.
      width4, width8, width16: channels of the transforms at 1/4, 1/8 and 1/16 resolution.
      analysis_blocks8, analysis_blocks16: residual blocks of the analysis.
      synthesis_blocks8, synthesis_blocks16: residual blocks of the synthesis.
    """

    latent_channels: int
    width4: int
    width8: int
    width16: int
    analysis_blocks8: int
    analysis_blocks16: int
    synthesis_blocks8: int
    synthesis_blocks16: int

    @property
    def synthesis_reach(self) -> float:
        """How many latents away a latent can still change a pixel of the synthesis."""
        at_quarter, at_eighth, at_sixteenth = 1 / 4, self.synthesis_blocks8, 1 + 2 * self.synthesis_blocks16
        return at_quarter + at_eighth + at_sixteenth


FULL_WIDTHS = {
    "width4": 64,
    "width8": 128,
    "width16": 192,
    "analysis_blocks8": 3,
    "analysis_blocks16": 2,
    "synthesis_blocks8": 4,
    "synthesis_blocks16": 3,
}
SMOKE_WIDTHS = {
    "width4": 16,
    "width8": 16,
    "width16": 16,
    "analysis_blocks8": 1,
    "analysis_blocks16": 1,
    "synthesis_blocks8": 1,
    "synthesis_blocks16": 1,
}
"""Transforms of the models that ship, and of those that tests and smoke runs train in seconds."""

Arch = TypeVar("Arch", bound=TransformArchitecture)


class TransformCodec(IntegerCodec[Arch]):
    """A codec with a synthesis network, which is built on first use; what precedes the latents is its own."""

    def latent_grid(self, size: Size) -> GridShape:
        """The latents of a picture."""
        return GridShape(*latent_size(*size), self.arch.latent_channels, MEAN_STEPS)

    @cached_property
    def synthesis(self) -> Synthesis:
        """The float synthesis network in evaluation mode, on the CPU.

        Raises:
          WeightsError: the weights do not fit the architecture.
        """
        import torch

        from .residual import Synthesis, to_channels_last

        network = Synthesis(self.arch)
        state = {name: torch.from_numpy(array) for name, array in unpack(self.reader.tensors, "synthesis.").items()}
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(f"the synthesis weights do not fit the architecture: {error}") from None
        return to_channels_last(network.eval())

    def place(self, device: str) -> None:
        self.synthesis.to(device)

    def build(self) -> None:
        _ = self.synthesis

    def synthesise(self, integers: Integers, setting: CodingSetting, margin: int) -> Iterator[Tile]:
        from ...pixels.render import render_tiles

        return render_tiles(self.synthesis, self.arch.synthesis_reach, integers[LATENTS], setting.gain, margin)
