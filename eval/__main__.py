"""Command line of the scores."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from .command_line import run_command
from .files import OutputError, check_output, write_atomically
from .provenance import UNKNOWN, provenance
from .score import SetScore, score_folder

EXAMPLES = """examples:
  python -m eval photos/ decoded/                   each picture, and the set as the competition scores it
  python -m eval photos/ decoded/ --csv scores.csv

Both folders hold PNGs, the decoded ones at any depth. Every original needs its decoded picture of the same name and
size: what is missing or wrong is listed, and there is no score. More in one go: `make leaderboard`, `make curves`.
"""


def picture_scores(score: SetScore) -> pd.DataFrame:
    """One row per picture: pixels, PSNR in dB, MS-SSIM."""
    rows = [(p.name, p.pixels, p.psnr_db, p.ms_ssim) for p in score.pictures]
    return pd.DataFrame(rows, columns=["image", "pixels", "PSNR", "MS-SSIM"])


def main() -> int:
    """Returns the exit code: 0 when every picture has a score."""
    parser = argparse.ArgumentParser(
        "python -m eval",
        description="PSNR and MS-SSIM of decoded pictures, as the competition's server computes them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("originals", type=Path, help="folder of the original PNGs")
    parser.add_argument("decoded", type=Path, help="folder of the decoded PNGs")
    parser.add_argument("--csv", type=Path, help="file for the table of pictures")
    arguments = parser.parse_args()
    try:
        if arguments.csv:
            _check_table(arguments.csv, arguments.originals, arguments.decoded)
        score, problems = score_folder(arguments.originals, arguments.decoded)
    except OutputError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for problem in problems:
        print(problem, file=sys.stderr)
    if score is None:
        return 1
    table = picture_scores(score)
    print(table.to_string(index=False, float_format="{:.5f}".format))
    print(f"set: PSNR {score.psnr_db:.5f} dB, MS-SSIM {score.ms_ssim:.6f}")
    return _write_table(table, arguments.csv) if arguments.csv else 0


def _check_table(path: Path, *folders: Path) -> None:
    """Makes sure that the table will take no picture's place.

    Raises:
      OutputError: it would.
    """
    if path.exists():
        check_output(path, *(picture for folder in folders for picture in folder.rglob("*")))


def _write_table(table: pd.DataFrame, path: Path) -> int:
    """Writes the table with where it comes from; returns the exit code."""
    origin = provenance(len(os.sched_getaffinity(0)), UNKNOWN)
    try:
        write_atomically(path, table.assign(**asdict(origin)).to_csv(index=False).encode())
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    run_command(main)
