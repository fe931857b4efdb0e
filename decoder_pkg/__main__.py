"""Command line of the decoder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .command_line import ending_at_once, run_command
from .errors import DecoderError

EXAMPLES = """examples:
  python -m decoder_pkg photo.clc -o photo.png       one picture
  python -m decoder_pkg streams/ -o pictures/        every .clc of a folder
  python -m decoder_pkg dist/0.15/bs.zip -o images/  a whole set
"""


def given(text: str) -> Path:
    """A path, which an empty text is none: it would mean this folder.

    Raises:
      argparse.ArgumentTypeError: the text is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("it is empty: give a path")
    return Path(text)


def main() -> int:
    """Returns the exit code: 0 when every picture was decoded."""
    parser = argparse.ArgumentParser(
        "python -m decoder_pkg",
        description="Decodes CLC streams to PNG.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=given, help="a .clc file, a bs.zip, or a folder of .clc files")
    parser.add_argument("-o", "--output", type=given, required=True, help="a .png file for one picture, else a folder")
    parser.add_argument("--weights", type=given, help="folder of other weights than the decoder's own")
    arguments = parser.parse_args()
    try:
        failures = _decode(arguments)
    except (DecoderError, OSError) as error:
        print(f"{arguments.source}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 1 if failures else 0


def _decode(arguments: argparse.Namespace) -> int:
    """Decodes what the arguments name; returns the number of failures."""
    with ending_at_once():  # takes a second, in which Ctrl-C is pressed too
        from .commands import decode_paths
        from .models import WEIGHTS, load_bundle

    return decode_paths(load_bundle(arguments.weights or WEIGHTS), arguments.source, arguments.output)


if __name__ == "__main__":
    run_command(main)
