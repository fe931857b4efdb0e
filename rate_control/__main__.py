"""Command line of the rate control."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path

from decoder_pkg.commands import print_any_name
from decoder_pkg.errors import WeightsError
from encoder.options import whole
from encoder.pictures import PictureError
from encoder.presets import PRESETS, preset
from eval.provenance import UNKNOWN, provenance

from .allocation import (
    TARGETS,
    InfeasibleBudget,
    Metric,
    TableError,
    allocate_table,
    apply_limits,
    choose_models,
    constant_rate,
    load_table,
    pooled_psnr_db,
    pooled_similarity,
    write_table,
)
from .engine import ENGINES, EngineError
from .options import LIMITS_HELP, add_limit_option, add_metric_options, add_targets_option, chosen_metric, positive
from .tune import format_table, summary, tune

EXAMPLES = """examples:
  python -m rate_control tune photos/ --targets 0.15 --output tuning/
  python -m rate_control tune photos/ --limit bpp=0.02:0.6 --limit rocket:psnr=30:
  python -m rate_control allocate candidates.csv --budget 857362            any codec's candidates
  python -m rate_control allocate candidates.csv --budget 857362 --metric ms-ssim --output chosen.csv
  python -m rate_control allocate candidates.csv --each 0.15                the same rate for every picture, to compare
  python -m rate_control models reports/tuning/candidates.csv --budgets 26000 52000 --sizes 1=1e7 2=1e7 --total 15e6

A candidate table has the columns image, candidate, bytes, squared_error, ms_ssim_loss and pixels.
"""


def parse_size(text: str) -> tuple[int, int]:
    """Reads MODEL=BYTES.

    Raises:
      argparse.ArgumentTypeError: the text has another form.
    """
    model, _, size = text.partition("=")
    if not (model.isascii() and model.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size like 1=10647925")
    return int(model), int(positive(size))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m rate_control",
        description="Fills the byte budget of a whole set of pictures.",
        epilog=EXAMPLES + LIMITS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    tuning = commands.add_parser("tune", help="code a folder and report who gets which bytes")
    tuning.add_argument("images", type=Path, help="folder of PNG and JPEG photographs")
    add_targets_option(tuning, list(TARGETS), "all three")
    tuning.add_argument("--output", type=Path, default=Path("reports/tuning"), help="folder for tables and plots")
    presets = [row.name for row in PRESETS]
    tuning.add_argument("--preset", choices=presets, default=presets[0], help="encoding time (default fast)")
    tuning.add_argument("--engine", choices=list(ENGINES), default="local", help="where pictures are coded")
    allocating = commands.add_parser("allocate", help="pick from a table of candidates of any codec")
    allocating.add_argument("table", type=Path, help="CSV or Parquet file")
    amount = allocating.add_mutually_exclusive_group(required=True)
    amount.add_argument("--budget", type=whole, help="bytes of the whole set")
    amount.add_argument(
        "--each", type=positive, help="bits per pixel that every picture may take, in place of a budget"
    )
    allocating.add_argument("--output", type=Path, help="CSV or Parquet file for the chosen rows")
    choosing = commands.add_parser("models", help="which models to ship under a size limit shared by all targets")
    choosing.add_argument("table", type=Path, help="CSV or Parquet file with a column model, as tune writes it")
    choosing.add_argument("--budgets", type=whole, nargs="+", required=True, help="bytes of the set at each target")
    choosing.add_argument("--sizes", type=parse_size, nargs="+", required=True, help="MODEL=BYTES of each model")
    choosing.add_argument("--total", type=positive, required=True, help="bytes that the models may take together")
    for command in (tuning, allocating, choosing):
        add_metric_options(command)
    for command in (tuning, allocating):
        add_limit_option(command)
    return parser


def main() -> int:
    """Returns the exit code."""
    arguments = _parser().parse_args()
    print_any_name()
    try:
        metric = chosen_metric(arguments)
        if arguments.command == "tune":
            effort, engine = preset(arguments.preset), ENGINES[arguments.engine]()
            targets, output = arguments.targets, arguments.output
            print(tune(arguments.images, targets, output, metric, arguments.limit, effort, engine))
        elif arguments.command == "models":
            sizes, total = dict(arguments.sizes), int(arguments.total)
            if len(sizes) < len(arguments.sizes):
                raise TableError("--sizes names a model twice")
            print(*choose_models(load_table(arguments.table), arguments.budgets, sizes, total, metric))
        else:
            _allocate(arguments, metric)
    except (PictureError, WeightsError, InfeasibleBudget, TableError, EngineError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _allocate(arguments: argparse.Namespace, metric: Metric) -> None:
    frame = apply_limits(load_table(arguments.table), arguments.limit)
    if arguments.each is not None:
        chosen = constant_rate(frame, arguments.each, metric)
        text = f"{chosen['bytes'].sum()} bytes, at most {arguments.each:g} bpp each"
    else:
        result = allocate_table(frame, arguments.budget, metric)
        chosen, text = result.chosen, summary(result, arguments.budget)
    if arguments.output:
        origin = asdict(provenance(len(os.sched_getaffinity(0)), UNKNOWN))
        # A table that tells its origin keeps it: choosing changes no figure.
        write_table(chosen.assign(**{k: v for k, v in origin.items() if k not in chosen}), arguments.output)
    else:
        print(format_table(chosen))
    print(f"PSNR {pooled_psnr_db(chosen):.4f} dB, MS-SSIM {pooled_similarity(chosen):.6f}; {text}")


if __name__ == "__main__":
    sys.exit(main())
