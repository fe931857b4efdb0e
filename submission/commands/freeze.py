"""Checks and rehearses a submission, then records its decoder in decoder.lock.json.

From then on a build that would give another decoder stops and names what changed: call it once the validation phase
has accepted the decoder.
"""

from __future__ import annotations

import argparse

from decoder_pkg.errors import DecoderError
from encoder.models import add_codec_option, weight_folders
from eval.pictures import PictureError
from eval.problems import failed

from ..check import check
from ..options import add_dist_option, add_season_option
from ..package import LOCK, BuildError, Busy, freeze, reading
from ..rehearsal import RehearsalError, rehearse_all
from ..seasons import season

EXAMPLES = """examples:
  python -m submission freeze                    the decoder in dist/
  rm decoder.lock.json                           unfreeze, for a new season
"""
ERRORS = (RehearsalError, DecoderError, BuildError, PictureError, Busy)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_dist_option(parser)
    add_season_option(parser)
    add_codec_option(parser)


def run(arguments: argparse.Namespace) -> int:
    rules = season(arguments.season)
    with reading(arguments.dist):
        problems = check(arguments.dist, rules)
        for problem in problems:
            print(problem)
        if failed(problems):
            return 1
        rehearse_all(arguments.dist, rules, 1)
        print(f"frozen in {LOCK}: sha256 {freeze(arguments.dist, LOCK, weight_folders(arguments.codec)[0])}")
    return 0
