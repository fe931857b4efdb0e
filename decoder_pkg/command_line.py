"""How a command of the decoder ends; nothing here takes long to import."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it: 128 and the signal's number."""


def print_any_name() -> None:
    """Lets names be printed that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run_command(main: Callable[[], int]) -> NoReturn:
    """Runs a command and ends the process with its exit code; Ctrl-C and a reader that has gone are no tracebacks."""
    print_any_name()
    try:
        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries once more, at its end
        code = 1
    sys.exit(code)
