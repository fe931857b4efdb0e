"""Runs the packed decoder as the server would, three times, and reports time and memory."""

from __future__ import annotations

import argparse

from decoder_pkg.errors import DecoderError
from eval.pictures import PictureError

from ..options import add_dist_option, add_season_option
from ..package import BuildError, Busy, needs_texts, reading
from ..rehearsal import RehearsalError, conditions, rehearse_all, time_report
from ..seasons import season

REPEATS = 3
EXAMPLES = """examples:
  python -m submission rehearse                  every target in dist/
  python -m submission rehearse --season 2019    under another season's limits
"""
ERRORS = (RehearsalError, DecoderError, BuildError, PictureError, Busy)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_dist_option(parser)
    add_season_option(parser)


def run(arguments: argparse.Namespace) -> int:
    rules = season(arguments.season)
    with reading(arguments.dist):
        rehearsed = rehearse_all(arguments.dist, rules, REPEATS)
    for results in rehearsed:
        runs = [result.rehearsal for result in results]
        print(f"target {results[0].target} bpp, {conditions(runs[0], rules)}:\n{time_report(runs, rules)}")
        print(*needs_texts(results[0].needs, rules), sep="\n", end="\n" if results[0].needs else "")
    return 0
