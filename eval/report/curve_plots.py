"""Rate-distortion curves as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..leaderboard import PUBLISHED
from .curves import QUALITIES, Curve
from .figures import plt, png

RATES = (0.04, 1.2)
"""Bits per pixel that are shown."""

TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
AXIS_NAMES = {"PSNR": "PSNR (dB)", "MS-SSIM": "MS-SSIM, −10 log10(1 − x) (dB)"}
MARGIN_DB = 1.0


def curves_picture(curves: Sequence[Curve], title: str) -> bytes:
    """Draws curves of one kind as a PNG, PSNR beside MS-SSIM over a logarithmic rate.

    Measured curves are thick and have markers, published ones are thin.
    """
    figure, axes = plt.subplots(1, len(QUALITIES), figsize=(14, 5.5))
    for axis, quality in zip(axes, QUALITIES, strict=True):
        _draw(axis, curves, quality)
    figure.suptitle(title)
    figure.tight_layout()
    return png(figure)


def _draw(axis: plt.Axes, curves: Sequence[Curve], quality: str) -> None:
    """Draws every curve that has this quality."""
    shown: list[float] = []
    for number, curve in enumerate(sorted(curves, key=lambda curve: curve.published)):
        levels = QUALITIES[quality](curve)
        if not levels:
            axis.plot([], [])  # so that a curve has one colour in both panels
            continue
        style = {"linewidth": 1} if curve.published else {"linewidth": 2, "marker": "o", "markersize": 4}
        colour = "black" if number == 0 and not curve.published else None
        label = f"{curve.name}{PUBLISHED}" if curve.published else curve.name
        axis.plot(curve.bpp, levels, color=colour, label=label, **style)
        if not curve.published:
            shown += [
                level
                for rate, level in zip(curve.bpp, levels, strict=True)
                if RATES[0] <= rate <= RATES[1] and math.isfinite(level)
            ]
    axis.set(xlabel="bits per pixel", ylabel=AXIS_NAMES[quality], xscale="log", xlim=RATES)
    if shown:
        axis.set_ylim(min(shown) - MARGIN_DB, max(shown) + MARGIN_DB)
    axis.set_xticks(TICKS, [str(tick) for tick in TICKS], minor=False)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8)
