"""Draws rate-distortion curves of models and conventional codecs, beside published ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from decoder_pkg.errors import WeightsError
from encoder.models import add_codec_option, load_zoo, weight_folders
from encoder.pictures import find_pictures
from encoder.presets import PRESETS, preset
from eval.baselines import installed
from eval.command_line import OptionError
from eval.pictures import PictureError
from eval.storage import check_folder
from rate_control.allocation import TableError
from rate_control.engines import EngineError, Processes

from ..studies.curves import curves_report, joint_codecs

EXAMPLES = """examples:
  python -m submission curves --images kodak/                        all shipped models together, and each alone
  python -m submission curves --images kodak/ --codecs 1 WebP "JPEG XL"    model 1 and two conventional codecs
  python -m submission curves --images kodak/ --codecs all --presets fast medium    what refinement saves
  python -m submission curves --images photos/ --output curves/  published curves are shown for Kodak's 24 alone
"""
ERRORS = (PictureError, WeightsError, TableError, EngineError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, required=True, help="folder of pictures, as Kodak's 24")
    parser.add_argument(
        "--codecs",
        nargs="+",
        metavar="CODEC",
        help="ids of models, all or all-ms-ssim (of them together), names of other codecs",
    )
    names = [row.name for row in PRESETS]
    parser.add_argument("--presets", nargs="+", choices=names, default=[], help="at equal multipliers, as in a set")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the results (default docs)")
    add_codec_option(parser)


def run(arguments: argparse.Namespace) -> int:
    zoo, files = load_zoo(*weight_folders(arguments.codec)).learned, find_pictures(arguments.images)
    models = [name for name, group in joint_codecs(zoo).items() if len(group) > 1] + [str(n) for n in zoo.models]
    known = [*models, *(baseline.name for baseline in installed())]
    wanted = arguments.codecs or models
    if unknown := [name for name in wanted if name not in known]:
        raise OptionError(f"no codec {', '.join(unknown)}: there are {', '.join(known)}")
    presets = [preset(name) for name in arguments.presets]
    check_folder(arguments.output, arguments.images)
    with Processes() as engine:
        engine.start()
        name = arguments.images.resolve().name
        print(curves_report(zoo, files, wanted, presets, arguments.output, name, engine))
    return 0
