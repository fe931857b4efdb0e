"""How a command of the decoder ends; nothing here takes long to import."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it: 128 and the signal's number."""


def print_any_name() -> None:
    """Lets names be printed that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Ctrl-C ends the process: a library that is being imported makes another error of it, or a crash."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # who started the process lets it ignore interrupts
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: _end_interrupted())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_interrupted() -> None:
    print("interrupted", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)


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
