"""Codecs whose pictures are a float network's: latents at 1/16 resolution, synthesised tile by tile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    from .synthesis import Synthesis


@dataclass(frozen=True)
class Transforms(ABC):
    """A kind of analysis and synthesis, with its widths.

    Attributes:
      latent_channels: channels of the latents at 1/16 resolution.
      shortcut: a linear layer from pixels to latents beside the analysis, and one back beside the synthesis, which
        begin as principal components: networks that are trained for hours only need not learn these.
      centred: whether pictures are seen less mid-grey, and latents are about zero; else each has its channel's median,
        as in CompressAI. Layers pad with zeros: neither can be a part of a bias.
    """

    latent_channels: int
    shortcut: bool
    centred: bool = field(default=True, kw_only=True)

    @property
    @abstractmethod
    def synthesis_reach(self) -> float:
        """How many latents away a latent can still change a pixel of the synthesis."""

    @property
    @abstractmethod
    def analysis_reach(self) -> float:
        """How many latents away a pixel can still change a latent."""

    @abstractmethod
    def build_synthesis(self) -> Synthesis:
        """A synthesis network, its weights initial."""


@dataclass(frozen=True)
class TransformArchitecture(Architecture):
    """Transforms, and what codes the latents between them.

    Attributes:
      transforms: their kind and widths.
    """

    transforms: Transforms

    @property
    def latent_channels(self) -> int:
        """Channels of the latents."""
        return self.transforms.latent_channels


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

        from .synthesis import to_channels_last

        network = self.arch.transforms.build_synthesis()
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

        reach = self.arch.transforms.synthesis_reach
        return render_tiles(self.synthesis, reach, integers[LATENTS], setting.gain, margin)
