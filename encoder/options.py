"""Numbers on command lines."""

from __future__ import annotations

import argparse

MAX_DIGITS = 19


def whole(text: str) -> int:
    """A positive whole number.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS and int(text)):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no positive whole number")
    return int(text)
