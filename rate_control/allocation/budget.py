"""Targets in bits per pixel to budgets in bytes."""

from __future__ import annotations

import math
from fractions import Fraction

TARGETS = ("0.075", "0.15", "0.3")
"""The competition's targets in bits per pixel, as they name folders; decimal, so that no float rounds a budget."""


def budget_bytes(pixels: int, bpp: str) -> int:
    """Bytes allowed for a whole set: ceil(pixels * bpp / 8); exactly that many are accepted.

    Raises:
      ValueError: `bpp` is no positive decimal number.
    """
    rate = Fraction(bpp)
    if rate <= 0:
        raise ValueError(f"{bpp} bits per pixel: a positive number is needed")
    return math.ceil(pixels * rate / 8)
