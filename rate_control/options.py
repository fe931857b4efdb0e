"""Options that several commands share: targets, what is minimised, limits on single pictures, effort."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from encoder.byte_budget import MAX_BPP
from encoder.presets import PRESETS
from eval.command_line import MAX_DIGITS, positive
from eval.metrics import METRICS, MIX, PSNR, Distortion, distortion_of

from .allocation import Limits, TableError
from .engines import ENGINES

LIMITS_HELP = """A limit is [IMAGE:]bpp=LOW:HIGH or [IMAGE:]psnr=LOW:HIGH; either end may be left out.
There may be several.
"""


def add_metric_options(parser: argparse.ArgumentParser) -> None:
    """Adds --metric and --weight; `chosen_distortion` reads them."""
    text = f"what is minimised (default {PSNR.key})"
    parser.add_argument("--metric", choices=[*METRICS, MIX], default=PSNR.key, help=text)
    parser.add_argument("--weight", type=positive, default=0.1, help="of MS-SSIM in the mix (default 0.1)")


def add_limit_option(parser: argparse.ArgumentParser) -> None:
    """Adds --limit, a list of Limits."""
    help_text = "on single pictures, see below"
    parser.add_argument("--limit", type=parse_limit, nargs="+", action="extend", default=[], help=help_text)


def add_targets_option(parser: argparse.ArgumentParser, default: Sequence[str] | None, meaning: str) -> None:
    """Adds --targets, decimal bits per pixel."""
    text = f"bits per pixel (default: {meaning})"
    parser.add_argument("--targets", nargs="+", type=parse_target, default=default, help=text)


def add_coding_options(parser: argparse.ArgumentParser) -> None:
    """Adds --preset, a name that `preset` reads, and --engine, a key of ENGINES."""
    presets = [row.name for row in PRESETS]
    parser.add_argument("--preset", choices=presets, default=presets[0], help="encoding time (default fast)")
    parser.add_argument("--engine", choices=list(ENGINES), default="local", help="where pictures are coded")


def chosen_distortion(arguments: argparse.Namespace) -> Distortion:
    """What --metric and --weight ask for.

    Raises:
      TableError: the weight is out of all proportion.
    """
    try:
        return distortion_of(arguments.metric, arguments.weight)
    except ValueError as error:
        raise TableError(str(error)) from None


def parse_target(text: str) -> str:
    """A target as it names folders.

    Raises:
      argparse.ArgumentTypeError: it is no positive decimal number, longer than a name may be, or more than any picture
        takes.
    """
    plain = text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) < MAX_DIGITS
    if not plain or not 0 < float(text) <= MAX_BPP:
        shown = f"{text[:40]!r} is no target like 0.15"
        raise argparse.ArgumentTypeError(f"{shown}: a positive decimal number up to {MAX_BPP}")
    return text


def parse_limit(text: str) -> Limits:
    """Reads [IMAGE:]bpp=LOW:HIGH or [IMAGE:]psnr=LOW:HIGH.

    Raises:
      argparse.ArgumentTypeError: the text has another form.
    """
    subject, _, interval = text.rpartition("=")
    image, _, quantity = subject.rpartition(":")
    low, colon, high = interval.partition(":")
    if quantity not in ("bpp", "psnr") or not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is no limit like bpp=0.02:0.6 or photo:psnr=30:")
    try:
        ends = {f"{quantity}_{end}": float(value) for end, value in (("low", low), ("high", high)) if value}
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} has an end that is no number") from None
    try:
        return Limits(image=image or None, **ends)
    except TableError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
