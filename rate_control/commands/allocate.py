"""Picks from a table of candidates, of any codec, what fills the byte budget of an image set best.

A candidate table has the columns image, candidate, bytes, squared_error, ms_ssim_loss and pixels.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from eval.command_line import positive, whole
from eval.machine import UNKNOWN, provenance
from eval.metrics import METRICS
from eval.storage import check_output

from ..allocation import (
    InfeasibleBudget,
    TableError,
    allocate_table,
    apply_limits,
    constant_rate,
    load_table,
    pooled_values,
    write_table,
)
from ..options import LIMITS_HELP, add_limit_option, add_metric_options, chosen_distortion
from ..tune import format_table, summary

EXAMPLES = f"""examples:
  python -m rate_control allocate candidates.csv --budget 857362
  python -m rate_control allocate candidates.csv --budget 857362 --metric ms-ssim --output chosen.csv
  python -m rate_control allocate candidates.csv --each 0.15    the same rate for every picture, to compare

{LIMITS_HELP}"""
ERRORS = (InfeasibleBudget, TableError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", type=Path, help="CSV or Parquet file")
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--budget", type=whole, help="bytes of the whole set")
    amount.add_argument("--each", type=positive, help="bits per pixel of every picture at most, in place of a budget")
    parser.add_argument("--output", type=Path, help="CSV or Parquet file for the chosen rows")
    add_metric_options(parser)
    add_limit_option(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.output:
        check_output(arguments.output, arguments.table)
    chosen, text = _choose(arguments)
    if arguments.output:
        origin = asdict(provenance(len(os.sched_getaffinity(0)), UNKNOWN))
        # A table that tells its origin keeps it: choosing changes no figure.
        write_table(chosen.assign(**{k: v for k, v in origin.items() if k not in chosen}), arguments.output)
    else:
        print(format_table(chosen))
    values = ", ".join(METRICS[key].titled(value) for key, value in pooled_values(chosen).items())
    print(f"{values}; {text}")
    return 0


def _choose(arguments: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    """The chosen rows, and a line about their bytes."""
    distortion, frame = chosen_distortion(arguments), apply_limits(load_table(arguments.table), arguments.limit)
    if arguments.each is not None:
        chosen = constant_rate(frame, arguments.each, distortion)
        return chosen, f"{chosen['bytes'].sum()} bytes, at most {arguments.each:g} bpp each"
    result = allocate_table(frame, arguments.budget, distortion)
    return result.chosen, summary(result, arguments.budget)
