"""What a set of pictures is judged by: one figure, how it follows from the scores, which way is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .metrics import Distortion

SAMPLES, PEAK = 3, 255
"""Samples of a pixel, and their largest value."""


@dataclass(frozen=True)
class Quality:
    """A figure that leaderboards and tables are ordered by.

    Attributes:
      name: as titles show it.
      unit: of differences.
      form: how a value is written.
      sign: 1 where more is better, -1 where less is.
      of: the value, given PSNR in dB and MS-SSIM; None where what it needs is unknown.
    """

    name: str
    unit: str
    form: str
    sign: int
    of: Callable[[float, float | None], float | None]

    def rank(self, psnr_db: float, ms_ssim: float | None) -> float:
        """Falls from the best to the worst; last is what is unknown."""
        value = self.of(psnr_db, ms_ssim)
        return math.inf if value is None else -self.sign * value

    def text(self, value: float | None) -> str:
        """A value for people, empty where it is unknown."""
        return "" if value is None else format(value, self.form)


PSNR = Quality("PSNR", "dB", ".3f", 1, lambda psnr_db, ms_ssim: psnr_db)
MS_SSIM = Quality("MS-SSIM", "MS-SSIM", ".5f", 1, lambda psnr_db, ms_ssim: ms_ssim)


def mixed(distortion: Distortion) -> Quality:
    """The mean distortion of a pixel, for a weighted sum of both kinds."""

    def of(psnr_db: float, ms_ssim: float | None) -> float | None:
        error = SAMPLES * PEAK**2 * 10 ** (-psnr_db / 10)
        return None if ms_ssim is None else distortion.of(error, 1 - ms_ssim, 1.0)

    return Quality("mixed distortion", "distortion", ".6f", -1, of)
