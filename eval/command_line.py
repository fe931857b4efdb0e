"""How every command is found, reads its options, and ends.

A command is a module. Its docstring says what it does, `EXAMPLES` shows calls, `add_options(parser)` declares its
options, and `run(arguments)` does the work and returns the exit code. `ERRORS`, where a command has it, are the errors
that mean bad input or an unfit machine: they end in one line, as OSError does. Any other error is a bug and keeps its
traceback.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import errno
import importlib
import importlib.util
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from .problems import printable
from .storage import limited_cache

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes: of a named error, of a wrong command line as argparse gives it, of Ctrl-C as shells give it."""


MAX_DIGITS = 19

EMPTY = re.compile("--[a-z-]+=")
"""An option with nothing behind it."""


class OptionError(Exception):
    """Options that are well-formed one by one do not fit together, or name what is not there."""


def whole(text: str) -> int:
    """A positive whole number, as an option's type.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    if not (_is_whole(text) and int(text)):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no positive whole number")
    return int(text)


def positive(text: str) -> float:
    """A positive number.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return value


def _is_whole(text: str) -> bool:
    """Whether a text is digits, no more than a number of 64 bits has."""
    return text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS


def whole_within(least: int, most: int) -> Callable[[str], int]:
    """What reads a whole number of a range.

    It raises argparse.ArgumentTypeError where there is none.
    """

    def read(text: str) -> int:
        if not (_is_whole(text) and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {least} to {most}")
        return int(text)

    return read


def run_verbs(package: str, modules: Mapping[str, str]) -> NoReturn:
    """Runs the command that the first word of the command line names.

    Args:
      package: as it is called: `python -m <package> <verb>`.
      modules: of the commands, by verb; only that of the chosen verb is imported.
    """
    run_command(lambda: call_verb(package, modules, sys.argv[1:]))


def run_module(package: str, module: str) -> NoReturn:
    """Runs the only command of a package, which has no verb."""
    run_command(lambda: call_module(f"python -m {package}", module, sys.argv[1:]))


def call_verb(package: str, modules: Mapping[str, str], words: Sequence[str]) -> int:
    """Calls the command that the first word names, or lists the commands; returns the exit code."""
    verb = words[0] if words else ""
    if verb in modules:
        return call_module(f"python -m {package} {verb}", modules[verb], words[1:])
    asked = verb in ("-h", "--help")
    lines = [] if asked else [_unknown(package, verb, modules), ""]
    print("\n".join([*lines, *_list(package, modules)]), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else MISUSED


def _unknown(package: str, verb: str, modules: Mapping[str, str]) -> str:
    if not verb:
        return f"python -m {package}: give one of the verbs below."
    nearest = difflib.get_close_matches(verb, modules, 1)
    return f"python -m {package}: there is no verb {verb!r}." + "".join(f" Did you mean {name!r}?" for name in nearest)


def _list(package: str, modules: Mapping[str, str]) -> list[str]:
    width = max(map(len, modules)) + 2
    return [
        f"usage: python -m {package} VERB ...",
        "",
        *(f"  {verb:<{width}}{_first_line(module)}" for verb, module in modules.items()),
        "",
        f"python -m {package} VERB --help shows options and examples.",
    ]


def _first_line(module: str) -> str:
    """Of a module's docstring, read without importing the module, which may take seconds."""
    package, *names = module.split(".")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent.joinpath(*names).with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def call_module(program: str, module: str, words: Sequence[str]) -> int:
    """Imports a command, reads its options and runs it; returns the exit code.

    Args:
      program: as it is called, for the help.
      module: path of the command.
      words: of the command line, after the program.

    Raises:
      SystemExit: the words are wrong, or ask for help.
    """
    with _ending_at_once():
        command = importlib.import_module(module)
    parser = argparse.ArgumentParser(
        program,
        description=command.__doc__,
        epilog=command.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_options(parser)
    if empty := [word for word in words if word == "" or EMPTY.fullmatch(word)]:  # as a path it would mean this folder
        parser.error(f"{empty[0] or 'an argument'} has no value: give it one, or leave it out")
    arguments = parser.parse_args(words)
    try:
        with limited_cache():
            code: int = command.run(arguments)
    except OptionError as error:
        parser.error(str(error))
    except BrokenPipeError:
        raise
    except (OSError, *getattr(command, "ERRORS", ())) as error:
        print(printable(f"{type(error).__name__}: {error}{_advice(error)}"), file=sys.stderr)
        return FAILED
    return code


@contextmanager
def _ending_at_once() -> Iterator[None]:
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


def _advice(error: Exception) -> str:
    """What helps against an error that the system raised."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return ": make room and run again; no file is half written, and what is finished is kept" if full else ""


def run_command(main: Callable[[], int]) -> NoReturn:
    """Runs a function and ends the process with its exit code; Ctrl-C and a reader that has gone are no tracebacks."""
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
        code = FAILED
    sys.exit(code)
