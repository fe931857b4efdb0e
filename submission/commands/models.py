"""Describes the shipped models: size, arithmetic, bytes, training, and BD-rates on Kodak."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from decoder_pkg.errors import WeightsError
from encoder.models import load_zoo
from encoder.pictures import find_pictures
from eval.pictures import PictureError
from rate_control.engines import EngineError, Processes

from ..package import BuildError, build_decoder_zip
from ..studies.models import kodak_deltas, models_table

EXAMPLES = """examples:
  python -m submission models                          sizes, arithmetic, training
  python -m submission models --kodak photos/kodak     BD-rates too, real bytes of all 24 pictures
"""
ERRORS = (PictureError, WeightsError, BuildError, EngineError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kodak", type=Path, help="folder of Kodak's 24 pictures, for BD-rates")


def run(arguments: argparse.Namespace) -> int:
    zoo = load_zoo().learned
    table = models_table(zoo, build_decoder_zip(zoo.folders[0]).part_bytes)
    if arguments.kodak:
        with Processes() as engine:
            deltas = kodak_deltas(zoo, find_pictures(arguments.kodak), engine)
        table = table.join(pd.DataFrame.from_dict(deltas, "index"))
    print(table.T.to_string(header=[f"model {number}" for number in table.index]))
    return 0
