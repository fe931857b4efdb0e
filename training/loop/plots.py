"""Plots of a training run."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from eval.report import plt, png
from eval.storage import read_plain, write_atomically

LEAST_LOSS = 1e-9
"""Of 1 - MS-SSIM, so that it has a logarithm where nothing was lost."""

HOURS, AGAINST = "hours", "against"
"""Columns of milestones: the hours of training, and how the names of BD-rates begin."""


class MilestonesError(Exception):
    """The table of milestones is damaged."""


def plot_progress(log: Path, picture: Path) -> None:
    """Draws loss over iterations and the newest rate-distortion curves of a run's log.csv."""
    frame = pd.read_csv(log)
    figure, (left, *others) = plt.subplots(1, 3, figsize=(16, 4))
    left.plot(frame["iteration"], frame["loss"])
    left.set(xlabel="iteration", ylabel="loss", yscale="log")
    gains = [name.removeprefix("psnr_") for name in frame.columns if name.startswith("psnr_")]
    rates = frame[[f"bpp_{gain}" for gain in gains]].to_numpy()
    similarities = -10 * np.log10(np.maximum(1 - frame[[f"ms_ssim_{gain}" for gain in gains]].to_numpy(), LEAST_LOSS))
    qualities = frame[[f"psnr_{gain}" for gain in gains]].to_numpy(), similarities
    for axes, quality, name in zip(others, qualities, ("PSNR", "MS-SSIM"), strict=True):
        for position in sorted({0, len(frame) // 4, len(frame) // 2, len(frame) - 1}):
            row = frame.iloc[position]
            label = f"{int(row['iteration'])} iterations, {row['hours']:.1f} h"
            axes.plot(rates[position], quality[position], marker="o", label=label)
        axes.set(xlabel="estimated bpp", ylabel=f"{name} (dB), mean of images", xscale="log")
        axes.legend()
    for axes in (left, *others):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    write_atomically(picture, png(figure))


def read_milestones(path: Path) -> pd.DataFrame:
    """The table that `plot_milestones` draws.

    Raises:
      MilestonesError: a column that is drawn is missing or holds something else than numbers.
      OSError: the file cannot be read.
    """
    try:
        table = pd.read_csv(io.BytesIO(read_plain(path)))
        drawn = [HOURS, *_drawn(table)]
        return table.astype(dict.fromkeys(drawn, float))
    except (ValueError, KeyError) as error:
        raise MilestonesError(f"{path} cannot be read as a table of milestones: {error}") from None


def plot_milestones(table: pd.DataFrame, output: Path) -> None:
    """Draws the columns `against <codec> (%)` over the column `hours`: what two cores take for as many crops."""
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for column in _drawn(table):
        axes.plot(table[HOURS], table[column], marker="o", label=column.removesuffix(" (%)"))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlabel("hours of training on two cores; a GPU counts by what two cores take for its crops")
    axes.set_ylabel("BD-rate, Kodak, PSNR (%)")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    write_atomically(output, png(figure, dpi=120))


def _drawn(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name.startswith(AGAINST)]
