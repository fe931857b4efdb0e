"""Tries methods of refinement on pictures, and shows what each saves in real bytes."""

from __future__ import annotations

import argparse
from pathlib import Path

from decoder_pkg.errors import WeightsError
from encoder.models import load_zoo
from encoder.pictures import find_pictures
from encoder.refinement import METHODS
from eval.command_line import whole
from eval.pictures import PictureError
from eval.storage import check_output
from rate_control.allocation import TableError
from rate_control.engines import EngineError, Processes

from ..studies import trials
from ..studies.trials import PLAIN, RDOQ

EXAMPLES = """examples:
  python -m submission trials --images kodak/                every method, 25 and 100 iterations
  python -m submission trials --images kodak/ --methods local --iterations 400 --every 4
What the output file already holds is not made again. Each row of the table is over the pictures that its method was
tried on, against no refinement of the same pictures.

methods:
""" + "\n".join(f"  {method.name}: {method.source}" for method in METHODS)
ERRORS = (PictureError, WeightsError, EngineError, TableError)


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [method.name for method in METHODS]
    parser.add_argument("--images", type=Path, required=True, help="folder of pictures, as Kodak's 24")
    parser.add_argument("--every", type=whole, default=1, help="take the first and every n-th after it (default all)")
    parser.add_argument("--methods", nargs="+", choices=names, default=names, help="default all")
    parser.add_argument("--iterations", type=whole, nargs="+", default=[25, 100], help="default 25 100")
    parser.add_argument("--output", type=Path, default=Path("docs/refinement.csv"), help="what is known already")


def run(arguments: argparse.Namespace) -> int:
    settings = [PLAIN, RDOQ, *((method, count) for method in arguments.methods for count in arguments.iterations)]
    files = find_pictures(arguments.images)[:: arguments.every]
    check_output(arguments.output, *files)
    with Processes() as engine:
        found = trials.run(files, settings, load_zoo(), arguments.output, engine)
    print(trials.table(found).to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    return 0
