"""Exports a training checkpoint: python -m training.export --run runs/base --id 1 --name base"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import Tensor

from decoder_pkg.architecture import GAIN_COUNT
from decoder_pkg.bundle import MANIFEST, DecoderModel
from decoder_pkg.bundle import WEIGHTS as DECODER_WEIGHTS
from decoder_pkg.packed_weights import SCALE_SUFFIX, pack
from encoder.latent_encoder import ideal_bits, quantise
from encoder.model import CodecModel
from encoder.weights import WEIGHTS as ENCODER_WEIGHTS
from encoder.weights import to_grid
from eval.provenance import commit

from .config import TrainConfig
from .data import CropSet
from .fixed_point_export import calibrate, quantise_layers
from .table_export import gaussian_tables, hyper_tables
from .trainer import ORIGIN

Arrays = dict[str, NDArray[np.generic]]
Ledger = dict[str, int | float | str]

LICENCE = "for research; trained on photographs under licences of their own, see training/MODEL_CARD.md"

AT_LATENTS = ("synthesis.enter.", "synthesis.shortcut.")
"""Layers whose inputs, the latents, differ much in size: 8 bits for an output channel would be too few.

The gains and the hyper-latents' prior stay float32: they are few, and every latent depends on them.
"""

MOST_LOSS = 0.003
"""Share of the bits that may be lost to fixed point; a few hundredths of a percent are usual."""

CALIBRATION_BATCHES = 16
CALIBRATION_BATCH = 8
EXAMPLES = """examples:
  python -m training.export --run runs/base --id 1 --name base
"""


def load_run(run: Path) -> tuple[CodecModel, Ledger]:
    """The averaged weights of a run's newest checkpoint, and its ledger: iterations and hours in all.

    Raises:
      FileNotFoundError: the run has no checkpoint yet.
    """
    config = TrainConfig(**json.loads((run / "config.json").read_text()))
    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    model = CodecModel(config.build_architecture())
    prefix = "module."
    model.load_state_dict({k.removeprefix(prefix): v for k, v in state["average"].items() if k.startswith(prefix)})
    origin = run / ORIGIN
    before = json.loads(origin.read_text()) if origin.exists() else {"iterations": 0, "hours": 0.0}
    hours = round(before["hours"] + state["seconds"] / 3600, 2)
    return model.eval(), {"iterations": before["iterations"] + state["iteration"], "hours": hours}


def export(model: CodecModel, crops: CropSet, decoder_file: Path, encoder_file: Path) -> None:
    """Writes both halves of a model; transforms in 8 bits for the most part, the entropy path as 16-bit integers."""
    rng = np.random.default_rng(0)
    batches = [_calibration_batch(crops, rng) for _ in range(CALIBRATION_BATCHES)]
    layers, exponents = quantise_layers(model, calibrate(model, batches))
    decoder = layers | gaussian_tables() | hyper_tables(model.prior) | _packed(model, "synthesis.")
    metadata = {"architecture": str(model.arch.id), "exponents": json.dumps(exponents)}
    _save(decoder, decoder_file, metadata)
    encoder = _packed(model, "analysis.") | _packed(model, "hyper_analysis.") | _packed(model, "prior.")
    _save(encoder, encoder_file, metadata)


def fixed_point_loss(model: CodecModel, decoder_file: Path, crops: CropSet) -> tuple[float, float]:
    """Bits of the float model and of the exported integer model for the same training crops."""
    entropy = DecoderModel(decoder_file.read_bytes()).entropy
    pictures, gains = _calibration_batch(crops, np.random.default_rng(1))
    with torch.no_grad():
        estimated = float(model(pictures, gains).estimated_bits.sum())
        y = model.analysis(pictures, gains)
        z = model.hyper_analysis(y)
    actual = 0.0
    for row in range(len(gains)):
        quantised = quantise(entropy, to_grid(y[row : row + 1]), to_grid(z[row : row + 1]), 128)
        actual += ideal_bits(entropy, quantised, int(gains[row]))
    return estimated, actual


def update_manifest(folder: Path, number: int, name: str, file: str, ledger: Ledger) -> None:
    """Adds or replaces a model's row."""
    path = folder / MANIFEST
    rows = json.loads(path.read_text())["models"] if path.exists() else []
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    rows = [row for row in rows if row["id"] != number]
    rows.append({"id": number, "name": name, "file": file, "sha256": digest} | ledger)
    path.write_text(json.dumps({"models": sorted(rows, key=lambda row: row["id"])}, indent=1) + "\n")


def _calibration_batch(crops: CropSet, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    pictures = crops.batch(rng, CALIBRATION_BATCH, 256)
    return pictures, torch.from_numpy(rng.integers(0, GAIN_COUNT, CALIBRATION_BATCH))


def _packed(model: CodecModel, prefix: str) -> Arrays:
    """One network's weights: 8-bit where that costs next to nothing, fp16 or float32 where it does not."""
    packed: Arrays = {}
    for name, value in model.state_dict().items():
        if not name.startswith(prefix):
            continue
        if "gain" in name or name.startswith("prior."):
            packed[name] = value.numpy()
        elif value.ndim < 4 or name.startswith(AT_LATENTS):
            packed[name] = value.contiguous().half().numpy()
        else:
            packed[name], packed[name + SCALE_SUFFIX] = pack(value.contiguous().numpy())
    return packed


def _save(arrays: Arrays, path: Path, metadata: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial, metadata)
    partial.rename(path)


def main() -> int:
    """Returns the exit code: 0 when the integer model codes as the float model estimates."""
    parser = argparse.ArgumentParser(
        "python -m training.export",
        description="Exports the averaged weights of a training run for the decoder and the encoder.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--id", type=int, required=True, help="the id that picture headers name, 0 to 255")
    parser.add_argument("--name", required=True, help="name for people, also of the files")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="crops for calibration")
    parser.add_argument("--decoder", type=Path, default=DECODER_WEIGHTS, help="folder of the decoder's weights")
    parser.add_argument("--encoder", type=Path, default=ENCODER_WEIGHTS, help="folder of the encoder's weights")
    arguments = parser.parse_args()
    crops = CropSet(arguments.data)
    model, ledger = load_run(arguments.run)
    file = f"{arguments.name}.safetensors"
    # Before the weights are written: they are tracked, and the commit would count as changed.
    ledger |= {"data": crops.description, "commit": commit(), "licence": LICENCE}
    export(model, crops, arguments.decoder / file, arguments.encoder / file)
    estimated, actual = fixed_point_loss(model, arguments.decoder / file, crops)
    loss = actual / estimated - 1
    print(f"lost to fixed point: {100 * loss:+.3f} % of {estimated / 8:.0f} bytes")
    if abs(loss) > MOST_LOSS:
        print(f"that is more than {100 * MOST_LOSS} %: the manifest stays as it was", file=sys.stderr)
        return 1
    update_manifest(arguments.decoder, arguments.id, arguments.name, file, ledger)
    return 0


if __name__ == "__main__":
    sys.exit(main())
