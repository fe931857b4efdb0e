"""Codes a folder of photographs for each target and reports the bytes of each picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from decoder_pkg.errors import DecoderError
from encoder.models import add_codec_option, load_zoo, weight_folders
from encoder.pictures import find_set
from encoder.presets import preset
from eval.pictures import PictureError
from eval.progress import Progress
from eval.storage import check_folder

from ..allocation import TARGETS, InfeasibleBudget, TableError
from ..engines import ENGINES, EngineError
from ..options import (
    LIMITS_HELP,
    add_coding_options,
    add_limit_option,
    add_metric_options,
    add_targets_option,
    chosen_distortion,
)
from ..tune import tune

EXAMPLES = f"""examples:
  python -m rate_control tune photos/ --targets 0.15 --output tuning/
  python -m rate_control tune photos/ --limit bpp=0.02:0.6 --limit rocket:psnr=30:

{LIMITS_HELP}"""
ERRORS = (PictureError, DecoderError, InfeasibleBudget, TableError, EngineError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", type=Path, help="folder of photographs")
    add_targets_option(parser, list(TARGETS), "all three")
    parser.add_argument("--output", type=Path, default=Path("reports/tuning"), help="folder for tables and plots")
    add_coding_options(parser)
    add_codec_option(parser)
    add_metric_options(parser)
    add_limit_option(parser)


def run(arguments: argparse.Namespace) -> int:
    images, output = arguments.images, arguments.output
    check_folder(output, images)
    distortion, effort = chosen_distortion(arguments), preset(arguments.preset)
    files = find_set(images)
    with ENGINES[arguments.engine]() as engine, Progress() as progress:
        engine.start()
        zoo = load_zoo(*weight_folders(arguments.codec))
        print(tune(zoo, files, arguments.targets, output, distortion, arguments.limit, effort, engine, progress))
    return 0
