"""JPEG XL, lossy, through the plugin pillow-jxl-plugin."""

from __future__ import annotations

from .interface import Baseline

QUALITIES = (3, 6, 9, 12, 16, 20, 25, 30, 36, 43, 50, 60, 70)

JPEG_XL = Baseline(
    "JPEG XL", "JXL", QUALITIES, ({"effort": 10},), "pillow-jxl-plugin", "pillow_jxl", work=4.0, quick={"effort": 3}
)
