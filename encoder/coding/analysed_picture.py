"""One picture to one candidate: analysis, RDOQ, range coding, and the proof that it decodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.codecs import CodingSetting, Size
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.gains import GainField
from decoder_pkg.grids import LATENT_STRIDE, latent_size
from decoder_pkg.payload import SideInformation, checksum, decode_payload
from decoder_pkg.pixels import tiles
from decoder_pkg.pixels.filters import FilterChain, PostFilter
from decoder_pkg.pixels.render import Tile, assemble
from decoder_pkg.stream import ImageHeader
from eval.metrics import squared_error

from ..candidates import Candidate, RoundTripError
from ..codecs import ROUNDED, Latents, Relaxation, trained_multiplier
from ..filters import fit_chain
from ..models import EncoderModel, to_grid
from ..pictures import Pixels, padded_tensor
from .payload import QuantisedPicture, encode_payload, quantise, side_bytes, with_choices
from .rounding import ERROR_BITS, as_rdoq, nearest, rdoq

TILE = 128
"""Side of an analysis tile in latents."""

Filters = Mapping[int, PostFilter[Any]]
"""Post-filters by their id, in the order in which they are applied."""


class AnalysedPicture:
    """A picture and its latents before the gain under one model: computed once, coded at many rates."""

    def __init__(self, pixels: Pixels, model: EncoderModel, filters: Filters | None = None) -> None:
        """Runs the analysis transform.

        Args:
          pixels: [H, W, 3] uint8.
          model: the model to code with.
          filters: the bundle's post-filters; by default none.
        """
        self.pixels, self.model, self.filters = pixels, model, filters or {}
        self._analysed = _analyse(pixels, model)

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

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
        self,
        setting: CodingSetting,
        latents: Latents | None = None,
        chain: FilterChain | None = None,
    ) -> tuple[Candidate, Pixels]:
        """Codes the picture, decodes it back and measures it.

        Args:
          setting: gain and quantisation step.
          latents: refined ones, by default those of the analysis.
          chain: the post-filters, by default those that suit the picture best.

        Returns:
          The candidate and the decoded picture [H, W, 3] uint8.

        Raises:
          RoundTripError: the bytes do not decode to the integers they were made of.
        """
        return self.code(self.quantise(setting, latents), setting, chain)

    def code(
        self, quantised: QuantisedPicture, setting: CodingSetting, chain: FilterChain | None = None
    ) -> tuple[Candidate, Pixels]:
        """As `encode`, of integers at hand."""
        if chain is None:
            chain, pixels = self._fit(quantised, setting)
        else:
            pixels = assemble(self.rendered(quantised, setting, chain.reach), *self.size, chain)
        side = SideInformation(setting.gain, chain)
        payload = encode_payload(quantised, side)
        header = self._header(setting, side, payload, quantised)
        self._decode_back(header, payload, quantised, side)
        return Candidate(header, payload, squared_error(self.pixels, pixels)), pixels

    def fitted_chain(self, setting: CodingSetting, latents: Latents | None = None) -> FilterChain:
        """The post-filters that suit the picture best."""
        return self._fit(self.quantise(setting, latents), setting)[0] if self.filters else FilterChain()

    def rendered(self, quantised: QuantisedPicture, setting: CodingSetting, margin: int) -> list[Tile]:
        """What the synthesis makes of integers, not filtered."""
        return list(self.model.decoder.codec.synthesise(quantised.integers, setting, margin))

    def _fit(self, quantised: QuantisedPicture, setting: CodingSetting) -> tuple[FilterChain, Pixels]:
        """The post-filters of least rate and squared error at about the Lagrange multiplier of these gain and q."""
        tiles = self.rendered(quantised, setting, sum(link.reach for link in self.filters.values()))
        gain = setting.gain.base
        multiplier = trained_multiplier(gain) * (setting.q / Q_ONE) ** 2
        return fit_chain(self.filters, self.pixels, tiles, gain, multiplier)

    def _header(
        self, setting: CodingSetting, side: SideInformation, payload: bytes, quantised: QuantisedPicture
    ) -> ImageHeader:
        height, width = self.size
        return ImageHeader(
            model=self.model.id,
            gain=setting.gain.base,
            q=setting.q,
            records=side.records,
            width=width,
            height=height,
            length=len(payload),
            checksum=checksum(payload, quantised.integers),
        )

    def _decode_back(
        self, header: ImageHeader, payload: bytes, quantised: QuantisedPicture, side: SideInformation
    ) -> None:
        """Makes sure that the decoder's integers are the encoder's."""
        where = f"gain {header.gain}, q {header.q}"
        try:
            decoded = decode_payload(self.model.decoder.codec, payload, header, self.filters)
        except CorruptPayload as error:
            raise RoundTripError(f"{where}: the stream does not decode: {error}") from error
        same = all(np.array_equal(decoded.integers[name], grid) for name, grid in quantised.integers.items())
        if not same or side_bytes(decoded.side) != side_bytes(side):
            raise RoundTripError(f"{where}: the stream decodes to other integers than were encoded")


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
