"""The leaderboard: one row per team and target, sorted as the competition sorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Row:
    """One team's result at one target.

    Attributes:
      team: name.
      ms_ssim, psnr_db: scores of the set.
      data_bytes: size of what counts towards the budget.
      decoder_bytes: size of the decoder, None where there is none to submit.
      seconds: decoding time of the set, None where it was not measured.
    """

    team: str
    ms_ssim: float
    psnr_db: float
    data_bytes: int
    decoder_bytes: int | None = None
    seconds: float | None = None


def leaderboard(rows: Sequence[Row]) -> pd.DataFrame:
    """The season's columns, best PSNR first."""
    ordered = sorted(rows, key=lambda row: -row.psnr_db)
    return pd.DataFrame(
        {
            "Team": [row.team for row in ordered],
            "MSSSIM": [f"{row.ms_ssim:.5f}" for row in ordered],
            "PSNR": [f"{row.psnr_db:.3f}" for row in ordered],
            "Data size": [str(row.data_bytes) for row in ordered],
            "Decoder size": ["" if row.decoder_bytes is None else str(row.decoder_bytes) for row in ordered],
            "Decoding time (s)": ["" if row.seconds is None else f"{row.seconds:.1f}" for row in ordered],
        }
    )
