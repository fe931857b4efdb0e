"""The option that chooses a codec."""

from __future__ import annotations

import argparse

from .zoo import trained_codecs


def add_codec_option(parser: argparse.ArgumentParser) -> None:
    """Adds --codec, None for the shipped models; `weight_folders` takes it."""
    text = "a trained codec in place of the shipped models; `python -m submission models` lists them"
    parser.add_argument("--codec", choices=trained_codecs(), metavar="NAME", help=text)
