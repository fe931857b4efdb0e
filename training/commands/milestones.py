"""Draws milestones.csv, what the hours of training brought."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..loop.plots import MilestonesError, plot_milestones, read_milestones

TABLE = Path(__file__).parents[1] / "milestones.csv"
EXAMPLES = """examples:
  python -m training milestones        training/milestones.png
"""
ERRORS = (MilestonesError,)


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_arguments: argparse.Namespace) -> int:
    plot_milestones(read_milestones(TABLE), TABLE.with_suffix(".png"))
    return 0
