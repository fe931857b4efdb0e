"""One picture under a learned model: analysis, RDOQ, and estimates by the float networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.codecs import CodingSetting
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GainField
from decoder_pkg.grids import LATENT_STRIDE, latent_size
from decoder_pkg.pixels import tiles
from decoder_pkg.pixels.filters import FilterChain
from decoder_pkg.pixels.render import to_bytes
from eval.metrics import Metric

from ..candidates import Candidate
from ..codecs import ROUNDED, Latents, Relaxation, each, position
from ..models import EncoderModel, float_model, to_grid
from ..pictures import Pixels, padded_tensor
from .estimate import Estimate, Window, sampling, windowed_losses
from .interface import Filters, ModelPicture
from .payload import QuantisedPicture, quantise, with_choices
from .rounding import ERROR_BITS, as_rdoq, nearest, rdoq

TILE = 128
"""Side of an analysis tile in latents."""


class AnalysedPicture(ModelPicture):
    """A picture and its latents before the gain under one model: computed once, coded at many rates."""

    def __init__(self, pixels: Pixels, model: EncoderModel, filters: Filters | None = None) -> None:
        """Runs the analysis transform; the arguments are those of every `ModelPicture`."""
        super().__init__(pixels, model, filters)
        self._analysed = _analyse(pixels, model)

    @torch.no_grad()
    def latents(self, gain: GainField) -> Latents:
        """The float latents at a gain, not refined."""
        everywhere = torch.from_numpy(gain.at(slice(None), slice(None)))
        return self.model.floats.latents(self._analysed, everywhere[None])

    def quantise(
        self, setting: CodingSetting, latents: Latents | None = None, error_bits: float = ERROR_BITS
    ) -> QuantisedPicture:
        """The integers of the picture at a setting, in coding order.

        Refined latents lie at the integers that refinement found; those of the analysis go through RDOQ.
        """
        rounding = nearest if latents else rdoq(setting.q, error_bits)
        relaxation = ROUNDED if latents else Relaxation(as_rdoq)
        gains, grids = torch.tensor([setting.gain.base]), latents or self.latents(setting.gain)
        whole = with_choices(self.model.floats, grids, gains, setting.q / Q_ONE, relaxation)
        arrays = {name: to_grid(grid) for name, grid in whole.items()}
        return quantise(self.model.decoder.codec, arrays, self.size, setting, rounding, seen_shares(*self.size))

    def encode(
        self, setting: CodingSetting, latents: Latents | None = None, chain: FilterChain | None = None
    ) -> tuple[Candidate, Pixels]:
        """As of every `ModelPicture`.

        Args:
          setting: gain and quantisation step.
          latents: refined ones, by default those of the analysis.
          chain: the post-filters, by default those that suit the picture best.
        """
        return self.code(self.quantise(setting, latents), setting, chain)

    def fitted_chain(self, setting: CodingSetting, latents: Latents | None = None) -> FilterChain:
        """The post-filters that suit the picture best."""
        return self._fit(self.quantise(setting, latents), setting)[0] if self.filters else FilterChain()

    @torch.inference_mode()
    def estimate(self, setting: CodingSetting, metrics: Sequence[Metric]) -> Estimate:
        """Bits of the whole picture as float networks see them, and losses that a few windows of a large one stand for.

        Args:
          setting: one of the model's.
          metrics: to be measured.
        """
        model = float_model(self.model)
        device = next(model.parameters()).device
        gains, (height, width) = torch.tensor([setting.gain.base], device=device), self.size
        latents = each(self.latents(setting.gain), lambda grid: grid.to(device))
        coded = model.code(latents, gains, setting.q / Q_ONE, Relaxation(as_rdoq))
        bits = float(coded.position_bits().sum() + coded.side_bits.sum())

        def decoded(window: Window) -> Pixels:
            down, across = window
            shown = to_bytes(model.synthesis(coded.y_hat[:, :, down.outer, across.outer], gains)[0].float())
            return np.ascontiguousarray(shown[down.source(LATENT_STRIDE, height), across.source(LATENT_STRIDE, width)])

        errors = (coded.residual - coded.symbols).double().square().sum(1)[0].cpu().numpy()
        factor = sampling(errors, seen_shares(height, width))
        return Estimate(
            position(setting.gain.base, setting.q),
            bits,
            windowed_losses(self.pixels, decoded, metrics),
            {metric.column: factor for metric in metrics if metric.is_sum},
        )


def seen_shares(height: int, width: int) -> NDArray[np.float32]:
    """[h, w] how much of each position's cell of 16x16 pixels lies within the picture: what is beyond is cut off."""
    shares = []
    for side in (height, width):
        share = np.ones(-(-side // LATENT_STRIDE), dtype=np.float32)
        share[-1] = ((side - 1) % LATENT_STRIDE + 1) / LATENT_STRIDE
        shares.append(share)
    return np.multiply.outer(*shares)


@torch.no_grad()
def _analyse(pixels: Pixels, model: EncoderModel) -> Tensor:
    """Latents before the gain [1, M, h, w]; the picture's edge is repeated to a multiple of 16."""
    codec = model.floats
    size = latent_size(*pixels.shape[:2])
    padded, whole = padded_tensor(pixels), torch.empty(0)
    for down, across in tiles(size, TILE, codec.analysis_reach):
        rows, columns = (slice(s.outer_start * LATENT_STRIDE, s.outer_stop * LATENT_STRIDE) for s in (down, across))
        part = padded[:, :, rows, columns].contiguous(memory_format=torch.channels_last)
        y = codec.analyse(part)[:, :, down.source(1, size[0]), across.source(1, size[1])]
        whole = whole if whole.numel() else y.new_empty(1, y.shape[1], *size)
        whole[:, :, down.start : down.stop, across.start : across.stop] = y
    return whole
