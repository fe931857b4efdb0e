"""Options that several commands share: whole numbers, the codec."""

from __future__ import annotations

import argparse

from .weights import trained_codecs

MAX_DIGITS = 19


def whole(text: str) -> int:
    """A positive whole number.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS and int(text)):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no positive whole number")
    return int(text)


def add_codec_option(parser: argparse.ArgumentParser) -> None:
    """Adds --codec, None for the shipped models; `encoder.weights.weight_folders` takes it."""
    text = "a trained codec in place of the shipped models; `python -m submission models` lists them"
    parser.add_argument("--codec", choices=trained_codecs(), metavar="NAME", help=text)
