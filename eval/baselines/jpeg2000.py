"""JPEG 2000: the irreversible wavelet, at given compression ratios."""

from __future__ import annotations

from .interface import Baseline

RATIOS = tuple(round(18 * 1.145**step) for step in reversed(range(29)))

JPEG_2000 = Baseline(
    "JPEG 2000",
    "JPEG2000",
    tuple({"quality_mode": "rates", "quality_layers": [r], "irreversible": True, "mct": 1} for r in RATIOS),
    "jpg_2000",
)
