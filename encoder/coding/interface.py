"""A picture under one model: what it codes at a setting, proved to decode, and what it expects of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from decoder_pkg.codecs import CodingSetting, Size
from decoder_pkg.errors import CorruptPayload
from decoder_pkg.payload import SideInformation, checksum, decode_payload
from decoder_pkg.pixels.filters import FilterChain, PostFilter
from decoder_pkg.pixels.render import Tile, assemble
from decoder_pkg.stream import ImageHeader
from eval.metrics import Metric, squared_error

from ..candidates import Candidate, RoundTripError
from ..codecs import trained_multiplier
from ..filters import fit_chain
from ..models import EncoderModel
from ..pictures import Pixels
from .estimate import Estimate
from .payload import QuantisedPicture, encode_payload, side_bytes

Filters = Mapping[int, PostFilter[Any]]
"""Post-filters by their id, in the order in which they are applied."""


class ModelPicture(ABC):
    """A picture under one model, coded at any of its settings.

    Attributes:
      pixels: [H, W, 3] uint8.
      model: the model.
      filters: post-filters that may be fitted.
    """

    def __init__(self, pixels: Pixels, model: EncoderModel, filters: Filters | None = None) -> None:
        """Takes a picture.

        Args:
          pixels: [H, W, 3] uint8.
          model: the model to code with.
          filters: the bundle's post-filters; by default none.
        """
        self.pixels, self.model, self.filters = pixels, model, filters or {}

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @abstractmethod
    def quantise(self, setting: CodingSetting) -> QuantisedPicture:
        """The integers of the picture at a setting, in coding order."""

    @abstractmethod
    def estimate(self, setting: CodingSetting, metrics: Sequence[Metric]) -> Estimate:
        """What the picture is expected to take at a setting, and to lose; neither range coder nor post-filter is run.

        Args:
          setting: one of the model's.
          metrics: to be measured.

        Raises:
          NotCoded: the model cannot code this picture.
        """

    def encode(self, setting: CodingSetting) -> tuple[Candidate, Pixels]:
        """Codes the picture with the post-filters that suit it best, decodes it back and measures it.

        Returns:
          The candidate and the decoded picture [H, W, 3] uint8.

        Raises:
          RoundTripError: the bytes do not decode to the integers they were made of.
          NotCoded: the model cannot code this picture.
        """
        return self.code(self.quantise(setting), setting)

    def code(
        self, quantised: QuantisedPicture, setting: CodingSetting, chain: FilterChain | None = None
    ) -> tuple[Candidate, Pixels]:
        """As `encode`, of integers at hand.

        Args:
          quantised: the integers.
          setting: at which they were made.
          chain: the post-filters, by default those that suit the picture best.
        """
        if chain is None:
            chain, pixels = self._fit(quantised, setting)
        else:
            pixels = assemble(self.rendered(quantised, setting, chain.reach), *self.size, chain)
        side = SideInformation(setting.gain, chain)
        payload = encode_payload(quantised, side)
        header = self._header(setting, side, payload, quantised)
        self._decode_back(header, payload, quantised, side)
        return Candidate(header, payload, squared_error(self.pixels, pixels)), pixels

    def rendered(self, quantised: QuantisedPicture, setting: CodingSetting, margin: int) -> list[Tile]:
        """What the decoder makes of integers, not filtered."""
        return list(self.model.decoder.codec.synthesise(quantised.integers, setting, margin))

    def _fit(self, quantised: QuantisedPicture, setting: CodingSetting) -> tuple[FilterChain, Pixels]:
        """The post-filters of least rate and squared error at about the Lagrange multiplier of these gain and q."""
        tiles = self.rendered(quantised, setting, sum(link.reach for link in self.filters.values()))
        gain = setting.gain.base
        return fit_chain(self.filters, self.pixels, tiles, gain, trained_multiplier(gain, setting.q))

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
