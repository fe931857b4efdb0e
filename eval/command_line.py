"""How every command starts and ends."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it: 128 and the signal's number."""


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command and ends the process with its exit code; Ctrl-C and a reader that has gone are no tracebacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a picture's name may hold what the terminal cannot show
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
