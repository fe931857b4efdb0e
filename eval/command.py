"""Computes PSNR and MS-SSIM of decoded pictures, as the competition's server does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from .machine import UNKNOWN, provenance
from .metrics import METRICS
from .score import SetScore, score_folder
from .storage import check_output, write_atomically

EXAMPLES = """examples:
  python -m eval photos/ decoded/                   each picture, and the set as the competition scores it
  python -m eval photos/ decoded/ --csv scores.csv

Both folders hold PNGs, the decoded ones at any depth. Every original needs its decoded picture of the same name and
size: what is missing or wrong is listed, and there is no score. More in one go: `make leaderboard`, `make curves`.
"""


def picture_scores(score: SetScore) -> pd.DataFrame:
    """One row per picture: pixels and metrics."""
    rows = [{"image": p.name, "pixels": p.pixels} | _named(p.values) for p in score.pictures]
    return pd.DataFrame(rows)


def _named(values: Mapping[str, float]) -> dict[str, float]:
    """Values by the metrics' names in place of their keys."""
    return {METRICS[key].name: value for key, value in values.items()}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("originals", type=Path, help="folder of the original PNGs")
    parser.add_argument("decoded", type=Path, help="folder of the decoded PNGs")
    parser.add_argument("--csv", type=Path, help="file for the table of pictures")


def run(arguments: argparse.Namespace) -> int:
    if arguments.csv:
        _check_table(arguments.csv, arguments.originals, arguments.decoded)
    score, problems = score_folder(arguments.originals, arguments.decoded)
    for problem in problems:
        print(problem, file=sys.stderr)
    if score is None:
        return 1
    table = picture_scores(score)
    print(table.to_string(index=False, float_format="{:.5f}".format))
    print("set: " + ", ".join(f"{name} {value:.6f}" for name, value in _named(score.values).items()))
    if arguments.csv:
        origin = provenance(len(os.sched_getaffinity(0)), UNKNOWN)
        write_atomically(arguments.csv, table.assign(**asdict(origin)).to_csv(index=False).encode())
    return 0


def _check_table(path: Path, *folders: Path) -> None:
    """Makes sure that the table will take no picture's place.

    Raises:
      OutputError: it would.
    """
    if path.exists():
        check_output(path, *(picture for folder in folders for picture in folder.rglob("*")))
