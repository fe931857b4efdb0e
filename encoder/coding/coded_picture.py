"""One picture to one candidate: analysis, rounding, range coding, and the proof that it decodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.codecs.hyperprior import Architecture, checksum, decode_payload
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.grids import LATENT_STRIDE, latent_size
from decoder_pkg.pixels import spans
from decoder_pkg.pixels.filters import PostFilter, filter_bins, filter_kernel
from decoder_pkg.pixels.render import Tile, assemble, render_tiles
from decoder_pkg.stream import ImageHeader
from eval.metrics import squared_error

from ..candidates import Candidate, RoundTripError
from ..latents import Latents, trained_slope
from ..pictures import Pixels, padded_tensor
from ..weights import EncoderModel, to_grid
from .filter_fit import FittedFilter, filter_bits, fit_filter, normal_equations
from .payload import QuantisedLatents, encode_payload, nearest, quantise, rate_aware, savings

TILE = 128
"""Side of an analysis tile in latents."""


class AnalysedPicture:
    """A picture and its unscaled latents under one model: computed once, coded at many rates."""

    def __init__(self, pixels: Pixels, model: EncoderModel, postfilter: PostFilter | None = None) -> None:
        """Runs the analysis transform.

        Args:
          pixels: [H, W, 3] uint8.
          model: the model to code with.
          postfilter: the bundle's.
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
        rounding = nearest if latents else rate_aware(model_savings(self.model), q)
        y, z = latents or self.latents(gain)
        worth = seen_shares(*self.pixels.shape[:2])
        return quantise(self.model.decoder.entropy, to_grid(y), to_grid(z), q, rounding, worth=worth)

    def encode(
        self, gain: int, q: int = Q_ONE, latents: Latents | None = None, fitted: FittedFilter | None = None
    ) -> tuple[Candidate, Pixels]:
        """Codes the picture, decodes it back and measures it.

        Args:
          gain: gain index.
          q: quantisation step in 1/128.
          latents: refined ones, by default those of the analysis.
          fitted: the post-filter, by default the one that suits the picture best.

        Returns:
          The candidate and the decoded picture [H, W, 3] uint8.

        Raises:
          RoundTripError: the bytes do not decode to the integers they were made of.
        """
        height, width = self.pixels.shape[:2]
        quantised = self.quantise(gain, q, latents)
        tiles = self.rendered(quantised, gain)
        if fitted is None:
            fitted, pixels = self._best_filter(tiles, gain, q)
        else:
            pixels = self._shown(tiles, fitted, gain)
        payload = self.payload(quantised, gain, fitted)
        self._decode_back(payload, quantised, gain, q, fitted)
        check = checksum(payload, quantised.latents)
        header = ImageHeader(self.model.id, gain, q, fitted.m, width, height, len(payload), check)
        return Candidate(header, payload, squared_error(self.pixels, pixels)), pixels

    def kernel(self, gain: int, q: int, latents: Latents | None = None) -> NDArray[np.float32] | None:
        """The post-filter that suits the picture best, [FEATURES, 3]; None where none pays."""
        if self.postfilter is None:
            return None
        tiles = self.rendered(self.quantise(gain, q, latents), gain)
        return self._kernel(self._best_filter(tiles, gain, q)[0], gain)

    def payload(self, quantised: QuantisedLatents, gain: int, fitted: FittedFilter) -> bytes:
        """The bytes of integers and a filter."""
        entropy = self.model.decoder.entropy
        return encode_payload(entropy, quantised, gain, filter_bins(self.postfilter, fitted.m), fitted.coefficients)

    def rendered(self, quantised: QuantisedLatents, gain: int) -> list[Tile]:
        """What the synthesis makes of integers, not filtered."""
        decoder = self.model.decoder
        return list(render_tiles(decoder.synthesis, decoder.arch, quantised.latents, gain))

    def _kernel(self, fitted: FittedFilter, gain: int) -> NDArray[np.float32] | None:
        return filter_kernel(self.postfilter, fitted.coefficients, fitted.m, gain)

    def _shown(self, tiles: Sequence[Tile], fitted: FittedFilter, gain: int) -> Pixels:
        height, width = self.pixels.shape[:2]
        return assemble(tiles, height, width, self._kernel(fitted, gain))

    def _best_filter(self, tiles: Sequence[Tile], gain: int, q: int) -> tuple[FittedFilter, Pixels]:
        """The filter of least rate and squared error at about the slope where latents are coded so, and the picture.

        One that does not pay on the pixels as they are shown, clamped and rounded, is none.
        """
        none = FittedFilter()
        plain = self._shown(tiles, none, gain)
        if self.postfilter is None:
            return none, plain
        entropy, slope = self.model.decoder.entropy, trained_slope(gain) * (q / Q_ONE) ** 2
        fitted = fit_filter(self.postfilter, entropy, normal_equations(self.pixels, tiles), gain, slope)
        filtered = self._shown(tiles, fitted, gain)
        price = slope / 8 * filter_bits(self.postfilter, entropy, fitted)
        pays = squared_error(self.pixels, filtered) + price < squared_error(self.pixels, plain)
        return (fitted, filtered) if pays else (none, plain)

    def _decode_back(
        self, payload: bytes, quantised: QuantisedLatents, gain: int, q: int, fitted: FittedFilter
    ) -> None:
        """Makes sure that the decoder's integers are the encoder's."""
        height, width = quantised.latents.shape[:2]
        bins = filter_bins(self.postfilter, fitted.m)
        try:
            decoded = decode_payload(self.model.decoder.entropy, payload, height, width, gain, q, bins)
        except CorruptPayload as error:
            raise RoundTripError(f"gain {gain}, q {q}: the stream does not decode: {error}") from error
        same = np.array_equal(decoded.latents, quantised.latents)
        if not same or not np.array_equal(decoded.coefficients, fitted.coefficients):
            raise RoundTripError(f"gain {gain}, q {q}: the stream decodes to other integers than were encoded")


@lru_cache(maxsize=8)
def model_savings(model: EncoderModel) -> NDArray[np.float32]:
    """What smaller symbols save, by coding table of a model."""
    return savings(model.decoder.entropy.latent_tables)


def seen_shares(height: int, width: int) -> NDArray[np.float32]:
    """[h, w] how much of each position's cell of 16x16 pixels lies within the picture: what is beyond is cut off."""
    shares = []
    for side in (height, width):
        share = np.ones(-(-side // LATENT_STRIDE), dtype=np.float32)
        share[-1] = ((side - 1) % LATENT_STRIDE + 1) / LATENT_STRIDE
        shares.append(share)
    return np.multiply.outer(*shares)


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
