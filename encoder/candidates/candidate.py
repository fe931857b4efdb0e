"""Candidates: one picture coded under one setting, and what was measured on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from decoder_pkg.stream import Entry, ImageHeader
from eval.metrics import PSNR, Distortion


class RoundTripError(Exception):
    """A stream did not decode to the integers that were encoded: a bug, or a broken machine."""


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
        return PSNR.pooled([self.squared_error], [self.header.width * self.header.height])

    def entry(self, name: str) -> Entry:
        """The archive entry of this candidate."""
        return Entry(name, self.header, self.payload)


@dataclass(frozen=True)
class Measured:
    """A candidate and its further losses, by the metrics' columns."""

    candidate: Candidate
    further: dict[str, float] = field(default_factory=dict)

    @property
    def losses(self) -> dict[str, float]:
        """All that was measured, by the metrics' columns."""
        return {PSNR.column: self.candidate.squared_error} | self.further

    def distortion(self, kind: Distortion) -> float:
        """Its distortion, of metrics that were measured."""
        return kind.of(self.losses, float(self.candidate.header.width * self.candidate.header.height))
