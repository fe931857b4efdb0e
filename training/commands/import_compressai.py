"""Reads a checkpoint of the CompressAI library and exports its network: it then codes and packs as any codec here.

It ends with 1, and the weights stay as they were, where quantisation or fixed point lose more than they may.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from decoder_pkg.errors import WeightsError
from encoder.models import weight_folders
from eval.command_line import positive
from eval.machine import commit

from ..compressai import KINDS, CheckpointError, Imported, import_state, read_state
from ..config import TrainConfig
from ..data import CROPS, CropError, CropSet
from ..export import ExportError, TrainedRun
from ..export.manifests import NewModel
from ..export.shipping import ship
from .export import model_id, plain_name

LAMBDA = 0.01
"""What the library trains with unless it is told."""

LICENCE = "that of the checkpoint"

EXAMPLES = f"""kinds that are read: {", ".join(kind.name for kind in KINDS)}

examples:
  python -m training import-compressai low.pth.tar --name balle --lambda 0.0018   (for `make submission CODEC=balle`)
  python -m training import-compressai high.pth.tar --name balle --id 2 --lambda 0.013   (a second rate beside it)
"""
ERRORS = (CheckpointError, CropError, ExportError, WeightsError)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="a .pth or .pth.tar file of the library")
    parser.add_argument("--name", type=plain_name, required=True, help="name of the codec, a folder of encoder/zoo/")
    parser.add_argument("--id", type=model_id, default=1, help="id of this model among those of the codec (1)")
    parser.add_argument(
        "--lambda", dest="multiplier", type=positive, default=LAMBDA, help=f"lambda of its training ({LAMBDA})"
    )
    parser.add_argument("--data", type=Path, default=CROPS, help="crops of photographs for calibration")


def run(arguments: argparse.Namespace) -> int:
    state = read_state(arguments.checkpoint)
    try:
        imported = import_state(state, arguments.multiplier)
    except CheckpointError as error:
        raise CheckpointError(f"{arguments.checkpoint}: {error}") from None
    print(f"{arguments.checkpoint.name}: {imported.kind}, for gains {imported.gains[0]} to {imported.gains[-1]}")
    trained = as_trained(imported)
    crops, name = CropSet(arguments.data), f"{arguments.name}-{arguments.id}"
    record = trained.record | {"data": f"{imported.kind} of CompressAI", "commit": commit(), "licence": LICENCE}
    row = NewModel(arguments.id, name, f"{name}.safetensors.gz", None, record)
    return 0 if ship(trained, row, crops, weight_folders(arguments.name)) else 1


def as_trained(imported: Imported) -> TrainedRun:
    """The network as if a run here had made it."""
    first, last = imported.gains[0], imported.gains[-1]
    config = TrainConfig(architecture=imported.model.arch.name, gain_low=first, gain_high=last)
    return TrainedRun(imported.model, config, {"gains": [first, last]})
