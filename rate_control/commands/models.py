"""Chooses the models to ship under a size limit that all targets share."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.command_line import OptionError, positive, whole

from ..allocation import InfeasibleBudget, TableError, choose_models, load_table
from ..options import add_metric_options, chosen_distortion

EXAMPLES = """examples:
  python -m rate_control models reports/tuning/candidates.csv --budgets 26000 52000 --sizes 1=1e7 2=1e7 --total 15e6
"""
ERRORS = (InfeasibleBudget, TableError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", type=Path, help="CSV or Parquet file with a column model, as tune writes it")
    parser.add_argument("--budgets", type=whole, nargs="+", required=True, help="bytes of the set at each target")
    parser.add_argument("--sizes", type=parse_size, nargs="+", required=True, help="MODEL=BYTES of each model")
    parser.add_argument("--total", type=positive, required=True, help="bytes that the models may take together")
    add_metric_options(parser)


def run(arguments: argparse.Namespace) -> int:
    sizes, total = dict(arguments.sizes), int(arguments.total)
    if len(sizes) < len(arguments.sizes):
        raise OptionError("--sizes names a model twice")
    print(*choose_models(load_table(arguments.table), arguments.budgets, sizes, total, chosen_distortion(arguments)))
    return 0


def parse_size(text: str) -> tuple[int, int]:
    """Reads MODEL=BYTES.

    Raises:
      argparse.ArgumentTypeError: the text has another form.
    """
    model, _, size = text.partition("=")
    if not (model.isascii() and model.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size like 1=10647925")
    return int(model), int(positive(size))
