"""The competition's call: ./decode without arguments, the data's zip in the working directory."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .command_line import INTERRUPTED, print_any_name
from .commands import decode_server
from .errors import DecoderError
from .models import load_bundle


def main() -> int:
    """Decodes the data's zip to images/*.png; returns the exit code."""
    print_any_name()
    os.dup2(1, 2)  # the team sees stdout alone: errors belong there
    start = time.monotonic()
    try:
        failures = decode_server(load_bundle(), Path.cwd())
    except DecoderError as error:
        print(f"{type(error).__name__}: {error}")
        return 1
    except KeyboardInterrupt:
        print("interrupted")
        return INTERRUPTED
    print(f"decoded in {time.monotonic() - start:.1f} s, {failures} failed")
    return 1 if failures else 0
