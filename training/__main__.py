"""Trains a model: python -m training --config training/configs/base.toml --data crops/ --run runs/base"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from decoder_pkg.errors import WeightsError
from encoder.codecs import FloatCodec, float_codec
from encoder.manifest import KnownModel, read_encoder_manifest
from encoder.options import whole
from encoder.weights import load_zoo
from eval.command_line import run_command
from eval.pictures import PictureError

from .config import TrainConfig, load_config
from .data import CROPS, EVALUATION, CropSet
from .export import read_origin, write_origin
from .loop import DivergenceError, Trainer
from .run_folder import CHECKPOINT, RunError, exclusive
from .settings import ConfigError
from .tasks import load_pictures

EXAMPLES = """examples:
  python -m training --config training/configs/base.toml --data photos/train --evaluation photos/kodak --run runs/base
  python -m training --config training/configs/base.toml --run runs/base --threads 1   (goes on where it stopped)
"""


def prepare(arguments: argparse.Namespace) -> Trainer:
    """The run that the arguments ask for, at its start or where it stopped.

    Raises:
      OSError, ValueError, WeightsError, PictureError: the configuration, the data, the model to start from or the run's
        folder cannot be used.
    """
    config = load_config(arguments.config)
    origin, initial = start_of(config, arguments.config) if config.from_model is not None else (None, None)
    begun = (arguments.run / CHECKPOINT).exists()
    if begun and read_origin(arguments.run).get("id") != config.from_model:
        raise RunError(f"{arguments.config}: from_model is not that of {arguments.run}: give --run another folder")
    pictures = load_pictures(arguments.evaluation, arguments.every)
    trainer = Trainer(config, arguments.run, CropSet(arguments.data), pictures, initial)
    if not begun:
        write_origin(arguments.run, origin)
    return trainer


def start_of(config: TrainConfig, file: Path) -> tuple[KnownModel, FloatCodec[Any]]:
    """The model that a run starts from, behind its row of the encoder's manifest.

    Of a model of another architecture what fits is taken: networks of the same name and shape.

    Raises:
      WeightsError: its files are missing or damaged.
      ConfigError: there is no such model, or nothing of it fits.
    """
    zoo = load_zoo()
    if config.from_model not in zoo.models:
        raise ConfigError(f"{file}: from_model = {config.from_model} is none of the shipped models {list(zoo.models)}")
    origin, model = zoo.models[config.from_model].floats, float_codec(config.build_architecture())
    wanted = model.state_dict()
    fitting = {n: value for n, value in origin.state_dict().items() if n in wanted and value.shape == wanted[n].shape}
    if not fitting:
        raise ConfigError(f"{file}: nothing of from_model = {config.from_model}, {origin.arch.name}, fits this run")
    model.load_state_dict(fitting, strict=False)
    return read_encoder_manifest(zoo.folders[1]).models[config.from_model], model


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
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with exclusive(arguments.run):
            train(arguments)
    except (ValueError, WeightsError, PictureError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except OSError as error:
        sys.exit(f"{type(error).__name__}: {error}: make room or fix it, and run again; the last checkpoint is kept")
    except DivergenceError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped before the first iteration")


def train(arguments: argparse.Namespace) -> None:
    """Prepares a run and trains; a signal lets it save first."""
    trainer = prepare(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: trainer.stop())
    trainer.run(arguments.until)
    if trainer.stopping:
        sys.exit("stopped; the same command goes on from the checkpoint")


if __name__ == "__main__":
    run_command(main)
