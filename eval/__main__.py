"""Command line of the scores."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd

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
        score, problems = score_folder(arguments.originals, arguments.decoded)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for problem in problems:
        print(problem, file=sys.stderr)
    if score is None:
        return 1
    table = picture_scores(score)
    if arguments.csv:
        origin = provenance(len(os.sched_getaffinity(0)), UNKNOWN)
        table.assign(**asdict(origin)).to_csv(arguments.csv, index=False)
    print(table.to_string(index=False, float_format="{:.5f}".format))
    print(f"set: PSNR {score.psnr_db:.5f} dB, MS-SSIM {score.ms_ssim:.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
