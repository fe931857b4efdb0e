"""One picture to one candidate: analysis, rounding, range coding, and the proof that it decodes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.architecture import LATENT_STRIDE, Architecture
from decoder_pkg.archive import Entry, ImageHeader
from decoder_pkg.decoder import latent_size
from decoder_pkg.entropy_model import Q_ONE, EntropyModel, Grid
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.latent_decoder import checksum, decode_latents
from decoder_pkg.postfilter import PostFilter
from decoder_pkg.render import render
from decoder_pkg.tiling import spans
from eval.metrics import squared_error

from .latent_encoder import QuantisedLatents, encode_latents, nearest, quantise, rate_aware
from .objective import Latents
from .pictures import Pixels
from .rate import padded_tensor
from .weights import EncoderModel, to_grid

TILE = 128
"""Side of an analysis tile in latents."""


class RoundTripError(Exception):
    """A stream did not decode to the latents that were encoded: a bug, or a broken machine."""


@dataclass(frozen=True)
class Candidate:
    """One way to code one picture.

    Attributes:
      header, payload: as they go into an archive.
      squared_error: summed over all RGB samples of the 8-bit pictures.
    """

    header: ImageHeader
    payload: bytes
    squared_error: int

    @property
    def psnr_db(self) -> float:
        """PSNR of this picture alone; infinite where nothing was lost."""
        samples = 3 * self.header.width * self.header.height
        return 10 * math.log10(255**2 * samples / self.squared_error) if self.squared_error else math.inf

    def entry(self, name: str) -> Entry:
        """The archive entry of this candidate."""
        return Entry(name, self.header, self.payload)


class AnalysedPicture:
    """A picture and its unscaled latents under one model: computed once, coded at many rates."""

    def __init__(self, pixels: Pixels, model: EncoderModel, postfilter: PostFilter | None = None) -> None:
        """Runs the analysis transform.

        Args:
          pixels: [H, W, 3] uint8.
          model: the model to code with.
          postfilter: the bundle's, for strengths m above 0.
        """
        self.pixels, self.model, self.postfilter = pixels, model, postfilter
        self._y = _analyse(pixels, model)

    @torch.no_grad()
    def latents(self, gain: int) -> Latents:
        """The float latents at a gain, not refined."""
        y = self.model.analysis.scale(self._y, torch.tensor([gain]))
        return y, self.model.hyper_analysis(y)

    def quantise(self, gain: int, q: int = Q_ONE, latents: Latents | None = None) -> QuantisedLatents:
        """The integers of the picture at a gain and quantisation step (in 1/128), in coding order.

        Refined latents lie at the integers that refinement found; those of the analysis are rounded as rate suggests.
        """
        rounding = nearest if latents else rate_aware(self.model.savings, q)
        y, z = latents or self.latents(gain)
        worth = seen_shares(*self.pixels.shape[:2])
        return quantise(self.model.decoder.entropy, to_grid(y), to_grid(z), q, rounding, worth=worth)

    def encode(self, gain: int, q: int = Q_ONE, m: int = 0, latents: Latents | None = None) -> tuple[Candidate, Pixels]:
        """Codes the picture, decodes it back and measures it.

        Args:
          gain: gain index.
          q: quantisation step in 1/128.
          m: strength of the post-filter.
          latents: refined ones, by default those of the analysis.

        Returns:
          The candidate and the decoded picture [H, W, 3] uint8.

        Raises:
          RoundTripError: the bytes do not decode to the latents they were made of.
        """
        entropy = self.model.decoder.entropy
        quantised = self.quantise(gain, q, latents)
        payload = encode_latents(entropy, quantised, gain)
        decoded = _decode_back(entropy, payload, quantised, gain, q)
        height, width = self.pixels.shape[:2]
        decoder = self.model.decoder
        pixels = render(decoder.synthesis, decoder.arch, decoded, gain, height, width, postfilter=self.postfilter, m=m)
        header = ImageHeader(self.model.id, gain, q, m, width, height, len(payload), checksum(payload, decoded))
        return Candidate(header, payload, squared_error(self.pixels, pixels)), pixels


def seen_shares(height: int, width: int) -> NDArray[np.float32]:
    """[h, w] how much of each position's cell of 16x16 pixels lies within the picture: what is beyond is cut off."""
    shares = []
    for side in (height, width):
        share = np.ones(-(-side // LATENT_STRIDE), dtype=np.float32)
        share[-1] = ((side - 1) % LATENT_STRIDE + 1) / LATENT_STRIDE
        shares.append(share)
    return np.multiply.outer(*shares)


def _decode_back(entropy: EntropyModel, payload: bytes, quantised: QuantisedLatents, gain: int, q: int) -> Grid:
    """The decoder's latents, which must be the encoder's."""
    height, width = quantised.latents.shape[:2]
    try:
        decoded = decode_latents(entropy, payload, height, width, gain, q)
    except CorruptPayload as error:
        raise RoundTripError(f"gain {gain}, q {q}: the stream does not decode: {error}") from error
    if not np.array_equal(decoded, quantised.latents):
        raise RoundTripError(f"gain {gain}, q {q}: the stream decodes to other latents than were encoded")
    return decoded


def analysis_reach(arch: Architecture) -> int:
    """How many latents away a pixel can still change a latent."""
    at_quarter, at_eighth = 1 / 4, (1 + 2 * arch.analysis_blocks8) / 2
    at_sixteenth = 2 + 2 * arch.analysis_blocks16
    return int(-(-(at_quarter + at_eighth + at_sixteenth) // 1))


@torch.no_grad()
def _analyse(pixels: Pixels, model: EncoderModel) -> Tensor:
    """Unscaled latents [1, M, h, w]; the picture's edge is repeated to a multiple of 16."""
    arch = model.decoder.arch
    height, width = latent_size(*pixels.shape[:2])
    padded = padded_tensor(pixels)
    y = torch.empty(1, arch.latent_channels, height, width)
    reach = analysis_reach(arch)
    for down in spans(height, TILE, reach):
        for across in spans(width, TILE, reach):
            rows, columns = (slice(s.outer_start * LATENT_STRIDE, s.outer_stop * LATENT_STRIDE) for s in (down, across))
            part = padded[:, :, rows, columns].contiguous(memory_format=torch.channels_last)
            latents = model.analysis.unscaled(part)
            inner = latents[:, :, down.source(1, height), across.source(1, width)]
            y[:, :, down.start : down.stop, across.start : across.stop] = inner
    return y
