"""Rate-distortion curves beside published ones, and Bjontegaard deltas."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bjontegaard
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PUBLISHED_KODAK = Path(__file__).parent / "published" / "kodak.csv"
"""Means over the 24 Kodak pictures; each row names its source."""

LEAST_POINTS = 4
PSNR_RANGE = (24.0, 38.0)


@dataclass(frozen=True)
class Curve:
    """One codec: bits per pixel and PSNR in dB of each point, by rising rate; means over pictures."""

    name: str
    bpp: tuple[float, ...]
    psnr_db: tuple[float, ...]

    def within(self, low: float, high: float) -> Curve:
        """The points whose rate lies in [low, high]."""
        pairs = [(rate, quality) for rate, quality in zip(self.bpp, self.psnr_db, strict=True) if low <= rate <= high]
        return Curve(self.name, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs))


@dataclass(frozen=True)
class Delta:
    """A Bjontegaard delta and the PSNR range in dB over which both curves exist."""

    rate_percent: float
    psnr_low: float
    psnr_high: float


def load_published(path: Path = PUBLISHED_KODAK) -> dict[str, Curve]:
    """Published curves by codec."""
    points: dict[str, list[tuple[float, float]]] = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            points.setdefault(row["codec"], []).append((float(row["bpp"]), float(row["psnr_db"])))
    return {
        name: Curve(name, *(tuple(column) for column in zip(*sorted(rows), strict=True)))
        for name, rows in points.items()
    }


def bd_rate(anchor: Curve, test: Curve) -> Delta:
    """Mean difference in rate at equal PSNR, in percent of the anchor's (Bjontegaard 2001, Akima interpolation).

    Raises:
      ValueError: a curve has fewer than four points, or the two do not overlap.
    """
    for curve in (anchor, test):
        if len(curve.bpp) < LEAST_POINTS:
            raise ValueError(f"{curve.name} has {len(curve.bpp)} points; a Bjontegaard delta needs {LEAST_POINTS}")
    low = max(min(anchor.psnr_db), min(test.psnr_db))
    high = min(max(anchor.psnr_db), max(test.psnr_db))
    if low >= high:
        raise ValueError(f"{anchor.name} and {test.name} share no range of PSNR")
    percent = bjontegaard.bd_rate(
        anchor.bpp, anchor.psnr_db, test.bpp, test.psnr_db, "akima", require_matching_points=False, min_overlap=0
    )
    return Delta(float(percent), low, high)


def plot_curves(own: Sequence[Curve], published: Sequence[Curve], title: str, picture: Path) -> None:
    """Draws own curves with markers above published ones, rate on a logarithmic axis."""
    figure, axis = plt.subplots(figsize=(8, 5.5))
    for curve in published:
        axis.plot(curve.bpp, curve.psnr_db, linewidth=1, label=curve.name)
    for curve in own:
        axis.plot(curve.bpp, curve.psnr_db, marker="o", linewidth=2, color="black", label=curve.name)
    ticks = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
    axis.set(xlabel="bits per pixel", ylabel="PSNR (dB), mean over pictures", xscale="log", title=title)
    axis.set(xlim=(0.04, 1.2), ylim=PSNR_RANGE, xticks=ticks)
    axis.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend()
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)
    plt.close(figure)
