"""Trains a model, or resumes a run."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

import torch

from decoder_pkg.errors import WeightsError
from eval.command_line import FAILED, whole, whole_within
from eval.pictures import PictureError

from ..config import load_config
from ..data import CROPS, EVALUATION, CropError, CropSet
from ..export import read_origin, write_origin
from ..initial_model import initial_model
from ..loop import DivergenceError, Trainer
from ..run_folder import CHECKPOINT, RunError, exclusive
from ..settings import ConfigError
from ..tasks import load_pictures

MOST_THREADS = 1024
EXAMPLES = """examples:
  python -m training train --config training/configs/base.toml --run runs/base --data crops/ --evaluation photos/kodak
  python -m training train --config training/configs/base.toml --run runs/base --threads 1   (resumes)
"""
ERRORS = (ConfigError, RunError, CropError, WeightsError, PictureError, DivergenceError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("training/configs/base.toml"), help="TOML file of the run")
    parser.add_argument("--data", type=Path, default=CROPS, help="folder of square crops")
    parser.add_argument("--evaluation", type=Path, default=EVALUATION, help="folder of PNG pictures")
    every = "evaluate on every n-th picture, from the n-th on (default 3)"
    parser.add_argument("--every", type=whole, default=3, help=every)
    parser.add_argument("--run", type=Path, default=Path("runs/base"), help="folder for checkpoints and log")
    parser.add_argument("--threads", type=whole_within(1, MOST_THREADS), help="CPU threads (default: all)")
    parser.add_argument("--until", type=whole, help="stop at this iteration, to be continued later")


def run(arguments: argparse.Namespace) -> int:
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with exclusive(arguments.run):
        return _train(arguments)


def _train(arguments: argparse.Namespace) -> int:
    """Prepares a run and trains; a signal lets it save first."""
    trainer = prepare(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: trainer.stop())
    trainer.run(arguments.until)
    if trainer.stopping:
        print("stopped; the same command resumes from the checkpoint", file=sys.stderr)
    return FAILED if trainer.stopping else 0


def prepare(arguments: argparse.Namespace) -> Trainer:
    """The run that the arguments ask for, at its start or where it stopped.

    Raises:
      OSError, ConfigError, RunError, CropError, WeightsError, PictureError: the configuration, the data, the model to
        start from or the run's folder cannot be used.
    """
    config = load_config(arguments.config)
    origin, initial = initial_model(config, arguments.config) if config.from_model is not None else (None, None)
    begun = (arguments.run / CHECKPOINT).exists()
    if begun and read_origin(arguments.run).get("id") != config.from_model:
        raise RunError(f"{arguments.config}: from_model is not that of {arguments.run}: give --run another folder")
    pictures = load_pictures(arguments.evaluation, arguments.every)
    trainer = Trainer(config, arguments.run, CropSet(arguments.data), pictures, initial)
    if not begun:
        write_origin(arguments.run, origin)
    return trainer
