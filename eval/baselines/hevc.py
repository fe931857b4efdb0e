"""HEVC intra in HEIF files, through the plugin pillow-heif, in 4:2:0 and in 4:4:4."""

from __future__ import annotations

from .interface import Baseline

QUALITIES = (2, 5, 8, 11, 14, 17, 20, 24, 28, 32, 37, 43, 50)

HEVC = Baseline(
    "HEVC",
    "HEIF",
    QUALITIES,
    tuple({"chroma": c, "enc_params": {"preset": "placebo", "tune": "psnr"}} for c in (420, 444)),
    "pillow-heif",
    "pillow_heif",
    work=1.5,
    quick={"enc_params": {"preset": "ultrafast"}},
    level=lambda quality: (100 - quality) // 2,  # x265's constant rate factor, as libheif maps it
)
