"""Plots of an allocation: the set's curve, and how the rate is spread over the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from eval.metrics import METRICS, PSNR, Distortion, known_metrics
from eval.report import plt, png
from eval.storage import write_atomically

from .allocation import InfeasibleBudget, TableAllocation, allocate_table

CURVE_POINTS = 40


def set_curve(frame: pd.DataFrame, distortion: Distortion) -> pd.DataFrame:
    """The set's rate-distortion curve: one Lagrange multiplier a point; bpp and the metrics' fields by rising bytes."""
    pixels = frame.groupby("image")["pixels"].first().sum()
    sizes = frame.groupby("image")["bytes"]
    budgets = np.geomspace(sizes.min().sum(), sizes.max().sum(), CURVE_POINTS)
    rows = []
    for budget in budgets:
        try:
            result = allocate_table(frame, int(np.ceil(budget)), distortion)
        except InfeasibleBudget:
            continue
        values = {METRICS[key].field: value for key, value in result.values.items()}
        rows.append({"bpp": 8 * result.allocation.bytes / pixels} | values)
    return pd.DataFrame(rows, columns=["bpp", *(metric.field for metric in known_metrics(frame.columns))])


def plot_set_curve(
    curve: pd.DataFrame, results: Mapping[str, TableAllocation], distortion: Distortion, picture: Path
) -> None:
    """Draws the curve in what was optimised, PSNR where it is several metrics, and marks each target's allocation."""
    figure, axis = plt.subplots(figsize=(7, 4.5))
    metric = distortion.terms[0][0] if len(distortion.weights) == 1 else PSNR
    axis.plot(curve["bpp"], curve[metric.field], color="black", label="one Lagrange multiplier for the set")
    for target, result in results.items():
        bpp = 8 * result.allocation.bytes / result.chosen["pixels"].sum()
        value = result.values[metric.key]
        axis.plot(bpp, value, "o", label=f"target {target}: {metric.text(value)}")
    axis.set(xlabel="bits per pixel of the set", ylabel=f"{metric.name} of the set", xscale="log")
    _plain_ticks(axis.xaxis)
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    _save(figure, picture)


def plot_rates(results: Mapping[str, TableAllocation], picture: Path) -> None:
    """Draws the bits per pixel of every picture at each target, sorted, and each target as a line."""
    figure, axis = plt.subplots(figsize=(7, 4.5))
    for target, result in results.items():
        rates = np.sort(8 * result.chosen["bytes"] / result.chosen["pixels"])
        (line,) = axis.plot(np.arange(1, len(rates) + 1), rates, marker=".", label=f"target {target}")
        axis.axhline(float(target), color=line.get_color(), linestyle=":", linewidth=1)
    axis.set(xlabel="pictures, by rate", ylabel="bits per pixel", yscale="log")
    _plain_ticks(axis.yaxis)
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    _save(figure, picture)


def _plain_ticks(axis: Axis) -> None:
    """Decimal labels at 1, 2 and 5 of each decade of a logarithmic rate axis."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _save(figure: plt.Figure, picture: Path) -> None:
    figure.tight_layout()
    write_atomically(picture, png(figure))
