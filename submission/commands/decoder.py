"""Builds decoder.zip alone and prints its size and sha256."""

from __future__ import annotations

import argparse

from decoder_pkg.errors import DecoderError

from ..leaderboard import decoder_report
from ..options import add_dist_option, add_season_option
from ..package import DECODER_ZIP, BuildError, Busy, ForeignFiles, exclusive, pack_decoder, rebuilt
from ..seasons import season

EXAMPLES = """examples:
  python -m submission decoder                  dist/decoder.zip, with the shipped models
  python -m submission decoder --dist other/ --season 2022
"""
ERRORS = (DecoderError, BuildError, Busy, ForeignFiles)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_dist_option(parser)
    add_season_option(parser)


def run(arguments: argparse.Namespace) -> int:
    rules = season(arguments.season)
    with exclusive(arguments.dist), rebuilt(arguments.dist, [DECODER_ZIP], keep=True) as new:
        print(decoder_report(pack_decoder(new, rules.decoder_limit), rules))
    return 0
