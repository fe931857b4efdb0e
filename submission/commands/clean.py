"""Removes what earlier runs wrote into the folder of the submission, and nothing else."""

from __future__ import annotations

import argparse

from ..options import add_dist_option
from ..package import Busy, ForeignFiles, clean

EXAMPLES = """examples:
  python -m submission clean                    dist/
  python -m submission clean --dist other/
"""
ERRORS = (Busy, ForeignFiles)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_dist_option(parser)


def run(arguments: argparse.Namespace) -> int:
    clean(arguments.dist)
    return 0
