"""Fetches the range coder's wheels for decoder.zip, and checks their sha256."""

from __future__ import annotations

import argparse
import subprocess

from ..package import fetch_wheels

EXAMPLES = """examples:
  python -m submission wheels                   what is missing in .cache/wheels
"""
ERRORS = (subprocess.CalledProcessError,)
"""pip has told why before."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_arguments: argparse.Namespace) -> int:
    fetch_wheels()
    return 0
