"""Conventional codecs as Pillow provides them: candidates over their quality settings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from .metrics import Pixels, ms_ssim, squared_error

JPEG_QUALITIES = (1, 3, 5, 7, 9, 12, 15, 18, 22, 26, 30, 35, 40, 46, 52, 58, 64, 70, 76)
WEBP_QUALITIES = (0, 2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 36, 42, 50, 58, 66, 74, 80)
AVIF_QUALITIES = (4, 8, 12, 17, 22, 27, 32, 38, 44, 50, 57, 64, 72)
RATIOS = (800, 600, 450, 340, 260, 200, 150, 115, 88, 67, 52, 40, 31, 24, 18)


@dataclass(frozen=True)
class Baseline:
    """A conventional codec.

    Attributes:
      name: as the leaderboard shows it.
      format: Pillow's name of the format.
      feature: Pillow's name of the library behind it.
      settings: keyword arguments of Image.save, one set per candidate.
    """

    name: str
    format: str
    feature: str
    settings: tuple[dict[str, Any], ...]


BASELINES = (
    Baseline(
        "JPEG",
        "JPEG",
        "jpg",
        tuple({"quality": q, "subsampling": 2, "optimize": True, "progressive": True} for q in JPEG_QUALITIES),
    ),
    Baseline(
        "JPEG 2000",
        "JPEG2000",
        "jpg_2000",
        tuple({"quality_mode": "rates", "quality_layers": [r], "irreversible": True, "mct": 1} for r in RATIOS),
    ),
    Baseline("WebP", "WEBP", "webp", tuple({"quality": q, "method": 6} for q in WEBP_QUALITIES)),
    Baseline("AVIF", "AVIF", "avif", tuple({"quality": q, "speed": 6, "subsampling": "4:2:0"} for q in AVIF_QUALITIES)),
)


@dataclass(frozen=True)
class BaselineCandidate:
    """One file a codec made of one picture."""

    settings: dict[str, Any]
    bytes: int
    squared_error: int
    ms_ssim: float


def baseline_candidates(baseline: Baseline, pixels: Pixels) -> Iterator[BaselineCandidate]:
    """Encodes and decodes a picture [H, W, 3] uint8 at every setting of a codec."""
    picture = Image.fromarray(pixels)
    for settings in baseline.settings:
        stream = io.BytesIO()
        picture.save(stream, format=baseline.format, **settings)
        with Image.open(stream) as decoded:
            result = np.asarray(decoded.convert("RGB"))
        yield BaselineCandidate(
            settings, len(stream.getvalue()), squared_error(pixels, result), ms_ssim(pixels, result)
        )
