"""Draws what the hours of training brought: python -m training.milestones"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

TABLE = Path(__file__).parent / "milestones.csv"


def plot_milestones(table: pd.DataFrame, output: Path) -> None:
    """Draws the columns `against <codec> (%)` over the column `hours`."""
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for column in [name for name in table.columns if name.startswith("against")]:
        axes.plot(table["hours"], table[column], marker="o", label=column.removesuffix(" (%)"))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlabel("hours of training on two cores")
    axes.set_ylabel("BD-rate, Kodak, PSNR (%)")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(output, dpi=120, bbox_inches="tight")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser("python -m training.milestones", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE, help="CSV file with a row for each milestone")
    arguments = parser.parse_args()
    plot_milestones(pd.read_csv(arguments.table), arguments.table.with_suffix(".png"))


if __name__ == "__main__":
    main()
