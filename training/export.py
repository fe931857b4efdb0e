"""Exports a training checkpoint: whole, or as a difference to a model that is exported already."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Container, Mapping
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from decoder_pkg.bundle import DecoderModel
from decoder_pkg.differences import zip_weights
from decoder_pkg.entropy_model import Q_ONE, EntropyModel
from decoder_pkg.errors import WeightsError
from decoder_pkg.manifest import MANIFEST, check_manifest, read_manifest
from decoder_pkg.manifest import WEIGHTS as DECODER_WEIGHTS
from decoder_pkg.packed_weights import SCALE_SUFFIX, pack
from encoder.latent_encoder import ideal_bits, quantise
from encoder.model import CodecModel
from encoder.twin import load_float_model
from encoder.weights import DIGESTS, EncoderModel, load_zoo, read_digests, to_grid
from encoder.weights import WEIGHTS as ENCODER_WEIGHTS
from eval.command_line import run_command
from eval.files import write_atomically, write_json
from eval.provenance import commit

from .compensated_rounding import input_moments
from .data import CROPS, CropSet
from .difference_export import Goal, differences, entropy_biases, entropy_goals, squared_gradients, transform_goals
from .factor_export import factors
from .fixed_point_export import calibrate, quantise_layers
from .loss import losses
from .table_export import gaussian_tables, hyper_tables
from .trained import Ledger, TrainedRun, load_run

Arrays = dict[str, NDArray[np.generic]]
ReadOnlyArrays = Mapping[str, NDArray[np.generic]]
Goals = dict[str, Goal]

LICENCE = "for research; trained on photographs under licences of their own, see training/MODEL_CARD.md"

DECODER_NETWORKS = ("synthesis.",)
ENCODER_NETWORKS = ("analysis.", "hyper_analysis.", "prior.")

MOST_LOST = 0.003
"""Share of rate and distortion that may be lost to few steps, and of the bits to fixed point: a tenth of a percent and
half of that are usual."""

CALIBRATION_BATCHES = 16
CALIBRATION_BATCH = 8
MOMENT_BATCHES = 6
EXAMPLES = """examples:
  python -m training.export --run runs/base --id 1 --name base
  python -m training.export --run runs/low --id 2 --name low --base 1   (a copy of model 1, fine-tuned for low rates)
"""


def export(run: TrainedRun, crops: CropSet, decoder_file: Path, encoder_file: Path) -> None:
    """Writes both halves of a whole model, its weights as differences to zeros: few steps take few bytes."""
    model, rng = run.model, np.random.default_rng(0)
    batches = [_calibration_batch(crops, run.gains, rng) for _ in range(CALIBRATION_BATCHES)]
    layers, exponents = quantise_layers(model, calibrate(model, batches))
    metadata = {"architecture": str(model.arch.id), "exponents": json.dumps(exponents)}
    decoder = layers | gaussian_tables() | hyper_tables(model.prior) | _packed(model, DECODER_NETWORKS)
    encoder = _packed(model, ENCODER_NETWORKS)
    goals = _goals(run, DecoderModel(_safetensors(decoder, metadata)), encoder, crops)
    _save(_coarser(decoder, goals[0]), decoder_file, metadata)
    _save(_coarser(encoder, goals[1]), encoder_file)


def export_difference(
    run: TrainedRun, base: EncoderModel, crops: CropSet, decoder_file: Path, encoder_file: Path
) -> None:
    """Writes both halves of a model as differences to another one of its architecture."""
    model = run.model
    decoder_goals, encoder_goals = _goals(run, base.decoder, base.file.tensors, crops)
    changes = _changes(decoder_goals, base.decoder.file.tensors, run)
    changes |= entropy_biases(model, base.decoder, changes) | hyper_tables(model.prior)
    _save(changes | _packed(model, DECODER_NETWORKS, but=decoder_goals), decoder_file)
    changes = _changes(encoder_goals, base.file.tensors, run)
    _save(changes | _packed(model, ENCODER_NETWORKS, but=encoder_goals), encoder_file)


def _goals(run: TrainedRun, grid: DecoderModel, encoder: ReadOnlyArrays, crops: CropSet) -> tuple[Goals, Goals]:
    """What the weights of either half shall become, in units of the integers of such halves."""
    model = run.model
    squares = squared_gradients(model, crops, run.gains, run.config.distortion)
    moments: dict[str, Tensor] = {}
    if not run.config.rank:
        rng = np.random.default_rng(3)
        moments = input_moments(model, (_calibration_batch(crops, run.gains, rng) for _ in range(MOMENT_BATCHES)))
    goals = entropy_goals(model, grid, squares, moments)
    goals |= transform_goals(model, DECODER_NETWORKS, grid.file.tensors, squares, moments)
    return goals, transform_goals(model, ENCODER_NETWORKS, encoder, squares, moments)


def _coarser(fine: Arrays, goals: Goals) -> Arrays:
    """A whole model's tensors with few steps where there is a goal."""
    others = {name: array for name, array in fine.items() if name not in goals}
    return others | differences(goals, {name: np.zeros_like(fine[name]) for name in goals})


def _changes(goals: Goals, base: ReadOnlyArrays, run: TrainedRun) -> Arrays:
    return factors(goals, base, run.config.rank) if run.config.rank else differences(goals, base)


def code_lengths(model: CodecModel, entropy: EntropyModel, gains: range, crops: CropSet) -> tuple[float, float]:
    """Bits that a float model estimates for some training crops, and bits of the integer model for the same latents."""
    pictures, chosen = _calibration_batch(crops, gains, np.random.default_rng(1))
    with torch.no_grad():
        estimated = float(model(pictures, chosen).estimated_bits.sum())
        y = model.analysis(pictures, chosen)
        z = model.hyper_analysis(y)
    actual = 0.0
    for row in range(len(chosen)):
        quantised = quantise(entropy, to_grid(y[row : row + 1]), to_grid(z[row : row + 1]), Q_ONE)
        actual += ideal_bits(entropy, quantised, int(chosen[row]))
    return estimated, actual


@torch.no_grad()
def rounding_loss(run: TrainedRun, exported: CodecModel, crops: CropSet) -> float:
    """Share of rate + lambda * distortion that the exported weights lose on training crops."""
    rng, sums = np.random.default_rng(1), np.zeros(2)
    for _ in range(CALIBRATION_BATCHES):
        pictures, gains = _calibration_batch(crops, run.gains, rng)
        sums += [float(losses(m, pictures, gains, run.config.distortion).sum()) for m in (run.model, exported)]
    return float(sums[1] / sums[0] - 1)


def check_row(folder: Path, row: Mapping[str, object]) -> None:
    """Makes sure that a manifest with a new row, or one in the place of the former of its id, can be read.

    Raises:
      ValueError: the id is none, the file that of another model, or the base none that can come before.
    """
    others = read_manifest(folder).models if (folder / MANIFEST).exists() else []
    kept = [dict(other) for other in others if other["id"] != row["id"]]
    try:
        check_manifest({"models": sorted([*kept, {"sha256": "", **row}], key=itemgetter("id"))})
    except ValueError as error:
        raise ValueError(f"model {row['id']} {row['name']!r} does not fit into {folder}: {error}") from None


def update_manifest(decoder: Path, encoder: Path, number: int, name: str, file: str, ledger: Ledger) -> None:
    """Adds or replaces a model's rows; what was a difference to the model replaced has no meaning any more and goes.

    Args:
      decoder: folder of the decoder's half, with the manifest.
      encoder: folder of the encoder's half, with its digests.
      number: the model's id.
      name: of the model.
      file: of either half in its folder.
      ledger: how it was trained.
    """
    path = decoder / MANIFEST
    whole = json.loads(path.read_text()) if path.exists() else {"models": []}
    digests = read_digests(encoder) if (encoder / DIGESTS).exists() else {}
    digest, other = (hashlib.sha256((folder / file).read_bytes()).hexdigest() for folder in (decoder, encoder))
    former = [(row["sha256"], digests.get(row["file"])) for row in whole["models"] if row["id"] == number]
    gone = {number} if former not in ([], [(digest, other)]) else set()
    rows = []
    for row in whole["models"]:
        if row.get("base") in gone:
            gone.add(row["id"])
            print(f"{row['name']} was a difference to the former weights: export it again", file=sys.stderr)
        elif row["id"] != number:
            rows.append(row)
    rows.append({"id": number, "name": name, "file": file, "sha256": digest} | ledger)
    whole["models"] = sorted(rows, key=lambda row: row["id"])
    named = {row["file"] for row in rows}
    write_json(encoder / DIGESTS, {key: value for key, value in (digests | {file: other}).items() if key in named})
    write_json(path, whole)


def _calibration_batch(crops: CropSet, gains: range, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    pictures = crops.batch(rng, CALIBRATION_BATCH, 256)
    return pictures, torch.from_numpy(rng.integers(gains.start, gains.stop, CALIBRATION_BATCH))


def _packed(model: CodecModel, networks: tuple[str, ...], but: Container[str] = ()) -> Arrays:
    """Weights of some networks: 16-bit integers, or floats where there are few and every latent depends on them."""
    packed: Arrays = {}
    for name, value in model.state_dict().items():
        if not name.startswith(networks) or name in but:
            continue
        if "gain" in name or name.startswith("prior."):
            packed[name] = value.numpy()
        elif value.ndim < 4:
            packed[name] = value.half().numpy()
        else:
            packed[name], packed[name + SCALE_SUFFIX] = pack(value.contiguous().numpy())
    return packed


def _save(arrays: Arrays, path: Path, metadata: dict[str, str] | None = None) -> None:
    write_atomically(path, zip_weights(_safetensors(arrays, metadata)))


def _safetensors(arrays: Arrays, metadata: dict[str, str] | None) -> bytes:
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata)


def _base(arguments: argparse.Namespace) -> EncoderModel | None:
    """The model that --base names."""
    if arguments.base is None:
        return None
    models = load_zoo(arguments.decoder, arguments.encoder).models
    if arguments.base not in models:
        raise ValueError(f"no model {arguments.base} to be the base: {list(models)}")
    return models[arguments.base]


def main() -> int:
    """Returns the exit code: 0 when weights of few steps and in fixed point lose as little as they may."""
    parser = argparse.ArgumentParser(
        "python -m training.export",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--id", type=int, required=True, help="the id that picture headers name, 0 to 255")
    parser.add_argument("--name", required=True, help="name for people, also of the files")
    parser.add_argument("--base", type=int, help="write differences to this model, which must be exported before")
    parser.add_argument("--data", type=Path, default=CROPS, help="crops for calibration")
    parser.add_argument("--decoder", type=Path, default=DECODER_WEIGHTS, help="folder of the decoder's weights")
    parser.add_argument("--encoder", type=Path, default=ENCODER_WEIGHTS, help="folder of the encoder's weights")
    try:
        return _export(parser.parse_args())
    except (OSError, ValueError, WeightsError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _export(arguments: argparse.Namespace) -> int:
    crops, run = CropSet(arguments.data), load_run(arguments.run)
    base = _base(arguments)
    ledger = run.ledger | {"data": crops.description, "commit": commit(), "licence": LICENCE}
    if base:
        ledger["base"] = base.id
    file = f"{arguments.name}.safetensors.gz"
    check_row(arguments.decoder, {"id": arguments.id, "name": arguments.name, "file": file} | ledger)
    with tempfile.TemporaryDirectory() as name:
        halves = Path(name) / "decoder" / file, Path(name) / "encoder" / file
        if base:
            export_difference(run, base, crops, *halves)
        else:
            export(run, crops, *halves)
        decoder = DecoderModel(halves[0].read_bytes(), base.decoder if base else None)
        exported = load_float_model(EncoderModel(arguments.id, decoder, halves[1], gains=run.gains, base=base))
        estimated, actual = code_lengths(exported, decoder.entropy, run.gains, crops)
        print(f"{file}: " + " + ".join(f"{half.stat().st_size / 1e6:.2f} MB" for half in halves))
        lost = {"few steps": rounding_loss(run, exported, crops), "fixed point": actual / estimated - 1}
        for what, share in lost.items():
            print(f"lost to {what}: {100 * share:+.3f} %")
            if not abs(share) <= MOST_LOST:
                print(f"that is more than {MOST_LOST:.1%}: the weights stay as they were", file=sys.stderr)
                return 1
        for half, folder in zip(halves, (arguments.decoder, arguments.encoder), strict=True):
            write_atomically(folder / file, half.read_bytes())
    update_manifest(arguments.decoder, arguments.encoder, arguments.id, arguments.name, file, ledger)
    return 0


if __name__ == "__main__":
    run_command(main)
