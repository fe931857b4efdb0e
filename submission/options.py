"""Options that several commands of the submission share."""

from __future__ import annotations

import argparse
from pathlib import Path

from .seasons import DEFAULT_SEASON, SEASONS

BEST, QUICK, NONE = "best", "quick", "none"
"""How conventional codecs are coded, if at all."""


def add_season_option(parser: argparse.ArgumentParser) -> None:
    """Adds --season, a year; `season` gives its rules."""
    years = [rules.year for rules in SEASONS]
    parser.add_argument("--season", type=int, choices=years, default=DEFAULT_SEASON, help="rules (default 2021)")


def add_dist_option(parser: argparse.ArgumentParser) -> None:
    """Adds --dist, the folder of a submission."""
    parser.add_argument("--dist", type=Path, default=Path("dist"), help="folder of the submission (default dist)")


def add_photographs_option(parser: argparse.ArgumentParser) -> None:
    """Adds --images, None for the embedded photographs."""
    parser.add_argument("--images", type=Path, help="folder of photographs (default: scikit-image's)")


def add_baselines_option(parser: argparse.ArgumentParser) -> None:
    """Adds --baselines, one of BEST, QUICK and NONE."""
    text = "conventional codecs: at their slowest settings (best, the default), at quick ones, or none"
    parser.add_argument("--baselines", choices=(BEST, QUICK, NONE), default=BEST, help=text)
