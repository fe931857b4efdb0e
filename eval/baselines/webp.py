"""WebP, lossy."""

from __future__ import annotations

from .interface import Baseline

QUALITIES = (*range(16), 18, 20, 22, 25, 28, 32, 36, 42, 50, 58, 66, 74, 80)

WEBP = Baseline("WebP", "WEBP", QUALITIES, ({"method": 6},), "webp")
