"""JPEG 2000: the irreversible wavelet, at given compression ratios."""

from __future__ import annotations

from typing import Any

from .interface import Baseline

STEPS = range(0, 85, 3)
"""Of a whole curve; three are a factor of 1.145 in the ratio."""


def _ratio(step: int) -> dict[str, Any]:
    return {"quality_layers": [round(18 * 1.145 ** ((STEPS[-1] - step) / 3))]}


JPEG_2000 = Baseline(
    "JPEG 2000",
    "JPEG2000",
    tuple(STEPS),
    ({"quality_mode": "rates", "irreversible": True, "mct": 1},),
    "jpg_2000",
    argument=_ratio,
)
