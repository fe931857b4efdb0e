"""Makes the post-filter's basis from the best filters of training crops."""

from __future__ import annotations

import argparse
from pathlib import Path

from decoder_pkg.errors import WeightsError
from decoder_pkg.pixels.filters import MAX_FILTERS
from encoder.models import load_zoo
from eval.command_line import whole_within
from eval.machine import commit

from ..data import CROPS, CropError, CropSet
from ..export import LICENCE
from ..export.filter_basis import FILE, crop_fits, principal_filters, write_post_filter

FILTERS = 192
MOST_CROPS = 100_000
EXAMPLES = """examples:
  python -m training filter-basis                  anew, in the place of the shipped one, with the shipped models
  python -m training filter-basis --crops 200 --filters 64
"""
ERRORS = (CropError, WeightsError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=CROPS, help="folder of square crops")
    parser.add_argument(
        "--crops", type=whole_within(1, MOST_CROPS), default=800, help="how many are coded (default 800)"
    )
    parser.add_argument(
        "--filters", type=whole_within(1, MAX_FILTERS), default=FILTERS, help=f"size of the basis (default {FILTERS})"
    )


def run(arguments: argparse.Namespace) -> int:
    zoo, crops = load_zoo(), CropSet(arguments.data)
    made = principal_filters(crop_fits(zoo, crops, arguments.crops), arguments.filters)
    data = f"{arguments.crops} of {crops.description}"
    write_post_filter(zoo.folders, made, {"data": data, "commit": commit(), "licence": LICENCE})
    print(f"{arguments.filters} filters in {zoo.folders[0] / FILE}: streams of the former weights no longer decode")
    return 0
