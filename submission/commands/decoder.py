"""Builds decoder.zip alone and prints its size and sha256."""

from __future__ import annotations

import argparse

from decoder_pkg.errors import DecoderError
from encoder.models import add_codec_option, weight_folders

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
    add_codec_option(parser)


def run(arguments: argparse.Namespace) -> int:
    rules, weights = season(arguments.season), weight_folders(arguments.codec)[0]
    with exclusive(arguments.dist), rebuilt(arguments.dist, [DECODER_ZIP], keep=True) as new:
        print(decoder_report(pack_decoder(new, rules.decoder_limit, weights), rules, weights))
    return 0
