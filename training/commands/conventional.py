"""Adds a conventional codec, which has nothing to learn, to the weights: a row in both manifests and empty files."""

from __future__ import annotations

import argparse

from decoder_pkg.errors import WeightsError
from encoder.models import weight_folders

from ..export import ExportError
from ..export.conventional import add_conventional, conventional_architectures
from .export import model_id, plain_name

EXAMPLES = """examples:
  python -m training conventional --id 8 --name av1
  python -m training conventional --id 2 --name av1 --codec mean-scale   (beside the models of `--codec mean-scale`)
"""
ERRORS = (ExportError, WeightsError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", type=model_id, required=True, help="the id that picture headers name, 0 to 255")
    parser.add_argument("--name", choices=sorted(conventional_architectures()), required=True, help="of the codec")
    parser.add_argument("--codec", type=plain_name, help="a trained codec beside the shipped models, which it joins")


def run(arguments: argparse.Namespace) -> int:
    add_conventional(*weight_folders(arguments.codec), arguments.id, arguments.name)
    return 0
