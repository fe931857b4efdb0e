"""Lists every problem of a submission with its severity; ends with 1 where one is an error."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.command_line import OptionError
from eval.problems import Problem, failed

from ..check import check
from ..options import add_season_option
from ..package import Busy, reading
from ..seasons import season

EXAMPLES = """examples:
  python -m submission check dist/                       what `make submission` left
  python -m submission check dist/submission.zip --season 2022
  python -m submission check dist/ --set validation      against the published set's pixels and budgets
"""
ERRORS = (Busy,)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="folder of a submission, or its submission.zip")
    add_season_option(parser)
    parser.add_argument("--set", help="published data set: validation or test (default: sizes from the streams)")


def run(arguments: argparse.Namespace) -> int:
    rules = season(arguments.season)
    try:
        known = rules.known_set(arguments.set) if arguments.set else None
    except KeyError as error:
        raise OptionError(error.args[0]) from None
    try:
        with reading(arguments.path):
            problems = check(arguments.path, rules, known)
    except OSError as error:
        problems = [Problem(str(arguments.path), f"cannot be read: {error.strerror or error}")]
    for problem in problems:
        print(problem)
    for note in rules.notes:
        print(f"note: {rules.year}: {note}")
    print(f"{arguments.path}: {'failed' if failed(problems) else 'passed'}, {len(problems)} problems")
    return 1 if failed(problems) else 0
