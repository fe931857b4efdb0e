"""Matplotlib without a screen, and with every text as it is: a name may hold any character."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

plt.rcParams["text.parse_math"] = False

__all__ = ["plt"]
