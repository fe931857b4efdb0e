"""Draws milestones.csv, what the hours of training brought: python -m training.loop.milestones"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from eval.command_line import run_command

from .plots import plot_milestones

TABLE = Path(__file__).parents[1] / "milestones.csv"


def main() -> None:
    argparse.ArgumentParser("python -m training.loop.milestones", description=__doc__).parse_args()
    plot_milestones(pd.read_csv(TABLE), TABLE.with_suffix(".png"))


if __name__ == "__main__":
    run_command(main)
