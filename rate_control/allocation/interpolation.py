"""Candidates between published points: for codecs of which only a few points per picture are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from eval.metrics import PSNR, measured_metrics

STEPS = 400


def interpolate_candidates(points: pd.DataFrame, steps: int = STEPS) -> pd.DataFrame:
    """A dense candidate table from a few points per picture.

    PSNR is interpolated over the logarithm of the rate by monotone cubics (PCHIP) between the lowest and the highest
    published rate of each picture; nothing is extrapolated.

    Args:
      points: columns image, pixels, bpp (above 0) and psnr_db (of the picture by itself, finite).
      steps: candidates per picture.
    """
    tables = []
    for name, rows in points.sort_values("bpp").groupby("image", sort=False):
        pixels = int(rows["pixels"].iloc[0])
        rate = np.log(rows["bpp"].to_numpy(np.float64))
        dense = np.linspace(rate[0], rate[-1], steps)
        known = rows["psnr_db"].to_numpy(np.float64)
        psnr = PchipInterpolator(rate, known)(dense) if len(known) > 1 else np.full(steps, known[0])
        tables.append(
            pd.DataFrame(
                {
                    "image": name,
                    "candidate": np.arange(steps),
                    "bytes": np.ceil(np.exp(dense) * pixels / 8).astype(np.int64),
                    **{metric.column: 0.0 for metric in measured_metrics()},
                    PSNR.column: [pixels * PSNR.loss(level) for level in psnr.tolist()],
                    "pixels": pixels,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
