"""Rate-distortion curves as a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..leaderboard import PUBLISHED
from ..metrics import METRICS, Metric
from .curves import Curve
from .figures import plt, png

RATES = (0.04, 1.2)
"""Bits per pixel that are shown."""

TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
PANEL_INCHES = 7, 5.5
MARGIN_DB = 1.0


def curves_plot(curves: Sequence[Curve], title: str) -> bytes:
    """Draws curves of one kind as a PNG, a panel for each metric that any has, over a logarithmic rate.

    Measured curves are thick and have markers, published ones are thin.
    """
    metrics = [metric for metric in METRICS.values() if any(curve.values.get(metric.key) for curve in curves)]
    width, height = PANEL_INCHES
    figure, axes = plt.subplots(1, max(1, len(metrics)), figsize=(width * max(1, len(metrics)), height), squeeze=False)
    for axis, metric in zip(axes[0], metrics, strict=False):
        _draw(axis, curves, metric)
    figure.suptitle(title)
    figure.tight_layout()
    return png(figure)


def _draw(axis: plt.Axes, curves: Sequence[Curve], metric: Metric) -> None:
    """Draws every curve that has this metric."""
    shown: list[float] = []
    for number, curve in enumerate(sorted(curves, key=lambda curve: curve.published)):
        levels = curve.decibels(metric)
        if not levels:
            axis.plot([], [])  # so that a curve has one colour in all panels
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
    axis.set(xlabel="bits per pixel", ylabel=metric.axis, xscale="log", xlim=RATES)
    if shown:
        axis.set_ylim(min(shown) - MARGIN_DB, max(shown) + MARGIN_DB)
    axis.set_xticks(TICKS, [str(tick) for tick in TICKS], minor=False)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8)
