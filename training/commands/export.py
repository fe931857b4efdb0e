"""Exports a training run's newest checkpoint: whole, or as a delta to a model exported before.

It ends with 1, and the weights stay as they were, where quantisation or fixed point lose more than they may.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from decoder_pkg.errors import WeightsError
from decoder_pkg.models import MAX_MODELS
from encoder.models import EncoderModel, load_zoo, weight_folders
from eval.command_line import OptionError, whole_within
from eval.machine import commit

from ..data import CROPS, CropError, CropSet
from ..export import LICENCE, ExportError, load_run
from ..export.manifests import NewModel
from ..export.shipping import ship
from ..run_folder import RunError
from ..settings import ConfigError

EXAMPLES = """examples:
  python -m training export --run runs/base --id 1 --name base
  python -m training export --run runs/low --id 2 --name low --base 1   (model 1, fine-tuned for low rates)
  python -m training export --run runs/mean-scale --id 1 --name base --codec mean-scale   (for `--codec mean-scale`)
"""
ERRORS = (ConfigError, RunError, CropError, ExportError, WeightsError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--id", type=model_id, required=True, help="the id that picture headers name, 0 to 255")
    parser.add_argument("--name", required=True, help="name for people, also of the files")
    parser.add_argument("--base", type=model_id, help="store as a delta to this model, which must be exported before")
    parser.add_argument("--data", type=Path, default=CROPS, help="crops for calibration")
    parser.add_argument("--codec", type=plain_name, help="a codec beside the shipped models, which it may begin")


def run(arguments: argparse.Namespace) -> int:
    trained, base = load_run(arguments.run), _base(arguments)
    crops = CropSet(arguments.data)
    record = trained.record | {"data": crops.description, "commit": commit(), "licence": LICENCE}
    file = f"{arguments.name}.safetensors.gz"
    row = NewModel(arguments.id, arguments.name, file, base.id if base else None, record)
    return 0 if ship(trained, row, crops, weight_folders(arguments.codec), base) else 1


model_id = whole_within(0, MAX_MODELS - 1)
"""Reads the id of a model."""


def plain_name(text: str) -> str:
    """A name that a folder can have anywhere.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of small letters, digits and hyphens")
    return text


def _base(arguments: argparse.Namespace) -> EncoderModel | None:
    """The model that --base names."""
    if arguments.base is None:
        return None
    models = load_zoo(*weight_folders(arguments.codec)).models
    if arguments.base not in models:
        raise OptionError(f"--base {arguments.base}: there are the models {list(models)}")
    return models[arguments.base]
