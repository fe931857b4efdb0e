"""Plots of an allocation: the set's curve, and how the rate is spread over the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from encoder.files import write_atomically
from eval.report import plt, png

from .allocation import InfeasibleBudget, Metric, TableAllocation, allocate_table

CURVE_POINTS = 40


def set_curve(frame: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The set's rate-distortion curve under one slope: columns bpp, psnr_db, ms_ssim, from least to most bytes."""
    pixels = frame.groupby("image")["pixels"].first().sum()
    sizes = frame.groupby("image")["bytes"]
    budgets = np.geomspace(sizes.min().sum(), sizes.max().sum(), CURVE_POINTS)
    rows = []
    for budget in budgets:
        try:
            result = allocate_table(frame, int(np.ceil(budget)), metric)
        except InfeasibleBudget:
            continue
        rows.append((8 * result.allocation.bytes / pixels, result.psnr_db, result.ms_ssim))
    return pd.DataFrame(rows, columns=["bpp", "psnr_db", "ms_ssim"])


def plot_set_curve(curve: pd.DataFrame, results: Mapping[str, TableAllocation], metric: Metric, picture: Path) -> None:
    """Draws the curve in what was optimised, PSNR or MS-SSIM, and marks each target's allocation."""
    figure, axis = plt.subplots(figsize=(7, 4.5))
    similarity = metric.name == "ms-ssim"
    axis.plot(curve["bpp"], curve["ms_ssim" if similarity else "psnr_db"], color="black", label="one slope for the set")
    for target, result in results.items():
        bpp = 8 * result.allocation.bytes / result.chosen["pixels"].sum()
        value, text = (result.ms_ssim, ".4f") if similarity else (result.psnr_db, ".2f")
        axis.plot(bpp, value, "o", label=f"target {target}: {value:{text}}")
    label = "MS-SSIM of the set" if similarity else "PSNR of the set (dB)"
    axis.set(xlabel="bits per pixel of the set", ylabel=label, xscale="log")
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
