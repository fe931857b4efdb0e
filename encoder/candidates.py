"""Candidates: one picture coded under one setting, and what was measured on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from decoder_pkg.stream import Entry, ImageHeader
from eval.metrics import Distortion, pooled_psnr


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
        return pooled_psnr([self.squared_error], [3 * self.header.width * self.header.height])

    def entry(self, name: str) -> Entry:
        """The archive entry of this candidate."""
        return Entry(name, self.header, self.payload)


@dataclass(frozen=True)
class Measured:
    """A candidate and what else was measured on its picture."""

    candidate: Candidate
    measures: dict[str, float] = field(default_factory=dict)

    def distortion(self, kind: Distortion) -> float:
        """Its distortion; MS-SSIM must have been measured where it counts."""
        header, loss = self.candidate.header, 1 - self.measures["ms_ssim"] if kind.loss else 0.0
        return kind.of(self.candidate.squared_error, loss, header.width * header.height)
