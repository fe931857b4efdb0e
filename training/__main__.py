"""Trains a model: python -m training --config training/configs/base.toml --data crops/ --run runs/base"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

import torch

from decoder_pkg.errors import WeightsError
from decoder_pkg.manifest import read_manifest
from encoder.options import whole
from encoder.twin import load_float_model
from encoder.weights import load_zoo
from eval.command_line import run_command
from eval.files import write_json

from .config import load_config
from .data import CROPS, EVALUATION, CropSet
from .divergence import DivergenceError
from .evaluation import load_pictures
from .trainer import CHECKPOINT, ORIGIN, Trainer

EXAMPLES = """examples:
  python -m training --config training/configs/base.toml --data photos/train --evaluation photos/kodak --run runs/base
  python -m training --config training/configs/base.toml --run runs/base --threads 1   (goes on where it stopped)
"""


def remember_origin(run: Path, model: int, weights: Path) -> None:
    """Writes the manifest's row of the model that a new run starts from; its hours count for the run's models too."""
    (row,) = (row for row in read_manifest(weights).models if int(row["id"]) == model)
    if not (run / CHECKPOINT).exists():
        write_json(run / ORIGIN, row)


def prepare(arguments: argparse.Namespace) -> Trainer:
    """The run that the arguments ask for, at its start or where it stopped.

    Raises:
      OSError, ValueError, WeightsError: the configuration, the data or the model to start from cannot be used.
    """
    config, crops = load_config(arguments.config), CropSet(arguments.data)
    pictures = load_pictures(arguments.evaluation, arguments.every)
    initial = None
    if config.from_model is not None:
        zoo = load_zoo()
        if config.from_model not in zoo.models:
            raise ValueError(f"{arguments.config}: no model {config.from_model} to start from: {list(zoo.models)}")
        initial = load_float_model(zoo.models[config.from_model])
        remember_origin(arguments.run, config.from_model, zoo.folders[0])
    return Trainer(config, arguments.run, crops, pictures, initial)


def main() -> None:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(
        "python -m training", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=Path("training/configs/base.toml"), help="TOML file of the run")
    parser.add_argument("--data", type=Path, default=CROPS, help="folder of square crops")
    parser.add_argument("--evaluation", type=Path, default=EVALUATION, help="folder of PNG pictures")
    every = "evaluate on every n-th picture, from the n-th on (default 3)"
    parser.add_argument("--every", type=whole, default=3, help=every)
    parser.add_argument("--run", type=Path, default=Path("runs/base"), help="folder for checkpoints and log")
    parser.add_argument("--threads", type=whole, help="CPU threads (default: all)")
    parser.add_argument("--until", type=whole, help="stop at this iteration, to be continued later")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    try:
        trainer = prepare(arguments)
    except (OSError, ValueError, WeightsError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: trainer.stop())
    try:
        trainer.run(arguments.until)
    except DivergenceError as error:
        sys.exit(str(error))
    if trainer.stopping:
        sys.exit("stopped; the same command goes on from the checkpoint")


if __name__ == "__main__":
    run_command(main)
