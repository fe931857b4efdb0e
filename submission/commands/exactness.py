"""Decodes one stream set in every environment there is and writes the table.

It ends with 1 where one decodes other symbols, or a sample that is off by more than one level.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import torch

from decoder_pkg.errors import DecoderError
from decoder_pkg.models import load_bundle
from eval.command_line import OptionError
from eval.machine import provenance
from eval.storage import check_output, write_atomically

from ..package import BuildError
from ..rehearsal import CONTAINER, container_ready
from ..studies.exactness import ProbeError, decode_everywhere, lacking, settings, table, violations

TABLE = Path("docs/exactness.md")
EXAMPLES = """examples:
  python -m submission exactness                                       threads, instruction sets, CUDA if there is one
  python -m submission exactness --python ~/venv-torch26/bin/python    and another environment, with or without torch
  make exactness PYTHONS="venv310/bin/python venv313/bin/python"       the same with the container's own Python first
  python -m submission exactness --missing "torch 2.4: no CPU build"   what could not be run, for the table
"""
ERRORS = (BuildError, DecoderError, ProbeError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--python", type=Path, nargs="+", default=[], help="other interpreters")
    parser.add_argument("--missing", action="append", default=[], help="a line for what could not be run")
    parser.add_argument("--output", type=Path, default=TABLE, help=f"the table (default {TABLE})")


def run(arguments: argparse.Namespace) -> int:
    check_output(arguments.output)
    for other in arguments.python:
        if not shutil.which(other):  # it would be found when the others are done
            raise OptionError(f"--python {other}: there is no program of that name")
    python = CONTAINER.absolute() / "bin" / "python" if container_ready(CONTAINER) else Path(sys.executable)
    absent = [*lacking(), *([] if torch.cuda.is_available() else ["CUDA"])]
    missing = [*arguments.missing, *(f"{name}: this machine has none" for name in absent)]
    with tempfile.TemporaryDirectory(prefix="exactness-") as name:
        outcomes = decode_everywhere(Path(name), list(settings(python, arguments.python)))
    origin = provenance(None, load_bundle().digest.hex())
    write_atomically(arguments.output, table(outcomes, missing, origin).encode())
    found = violations(outcomes)
    for text in found:
        print(text, file=sys.stderr)
    print(f"{len(outcomes)} environments, {len(found)} violations: {arguments.output}")
    return 1 if found else 0
