"""JPEG, progressive with optimised Huffman tables, in 4:2:0 and in 4:4:4."""

from __future__ import annotations

from .interface import Baseline

QUALITIES = (*range(1, 17), 18, 20, 22, 24, 26, 28, 30, 35, 40, 46, 52, 58, 64, 70, 76)

JPEG = Baseline(
    "JPEG",
    "JPEG",
    QUALITIES,
    tuple({"subsampling": s, "optimize": True, "progressive": True} for s in (2, 0)),
    "jpg",
    points=len(QUALITIES),  # low qualities clip their tables at 255, each at other places
)
