"""Exports a training checkpoint: whole, or as a difference to a model that is exported already."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from decoder_pkg.codecs import SCALE, IntegerCodec, codec_of
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.errors import WeightsError
from decoder_pkg.models import WEIGHTS as DECODER_WEIGHTS
from decoder_pkg.models import DecoderModel
from decoder_pkg.weight_files import SCALE_SUFFIX, pack, zip_weights
from encoder.codecs import FloatCodec
from encoder.coding import quantise
from encoder.latents import coding_setting
from encoder.weights import WEIGHTS as ENCODER_WEIGHTS
from encoder.weights import EncoderModel, load_zoo, to_grid
from eval.command_line import run_command
from eval.files import write_atomically
from eval.provenance import commit

from ..data import CROPS, CropSet
from ..tasks import losses
from .compensated_rounding import input_moments
from .deltas import Goal, differences, entropy_biases, entropy_goals, squared_gradients, transform_goals
from .factors import factors
from .fixed_point import calibrate, quantise_layers
from .manifests import NewModel, check_rows, update_manifests
from .tables import gaussian_tables, static_tables
from .trained import TrainedRun, load_run

Arrays = dict[str, NDArray[np.generic]]
ReadOnlyArrays = Mapping[str, NDArray[np.generic]]
Goals = dict[str, Goal]

LICENCE = "for research; trained on photographs under licences of their own, see training/MODEL_CARD.md"

DECODER_NETWORKS = ("synthesis.",)

MOST_LOST = 0.003
"""Share of rate and distortion that may be lost to few steps, and of the bits to fixed point: a tenth of a percent and
half of that are usual."""

CALIBRATION_BATCHES = 16
CALIBRATION_BATCH = 8
MOMENT_BATCHES = 6
EXAMPLES = """examples:
  python -m training.export.whole --run runs/base --id 1 --name base
  python -m training.export.whole --run runs/low --id 2 --name low --base 1   (model 1, fine-tuned for low rates)
"""


def export(run: TrainedRun, crops: CropSet, decoder_file: Path, encoder_file: Path) -> None:
    """Writes both halves of a whole model, its weights as differences to zeros: few steps take few bytes."""
    model, rng = run.model, np.random.default_rng(0)
    batches = [_calibration_batch(crops, run.gains, rng) for _ in range(CALIBRATION_BATCHES)]
    layers, exponents = quantise_layers(model, calibrate(model, batches))
    metadata = {"architecture": str(model.arch.id), "exponents": json.dumps(exponents)}
    decoder = layers | coding_tables(model) | _packed(model, DECODER_NETWORKS)
    encoder = _packed(model, encoder_networks(model))
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
    changes |= entropy_biases(model, base.decoder, changes)
    for prefix, prior in model.static_priors.items():
        changes |= static_tables(prefix, prior)
    _save(changes | _packed(model, DECODER_NETWORKS, but=decoder_goals), decoder_file)
    changes = _changes(encoder_goals, base.file.tensors, run)
    _save(changes | _packed(model, encoder_networks(model), but=encoder_goals), encoder_file)


def encoder_networks(model: FloatCodec[Any]) -> tuple[str, ...]:
    """Prefixes of the weights that the decoder does not need."""
    integer = {layer.module.partition(".")[0] for layer in codec_of(model.arch).layers(model.arch)}
    shipped = {f"{name}." for name in integer} | set(DECODER_NETWORKS)
    return tuple(prefix for prefix in (f"{name}." for name, _ in model.named_children()) if prefix not in shipped)


def coding_tables(model: FloatCodec[Any]) -> Arrays:
    """The integer tables that a model's symbols are coded with."""
    tables: Arrays = {}
    if any(layer.peak == SCALE for layer in codec_of(model.arch).layers(model.arch)):
        tables |= gaussian_tables()
    for prefix, prior in model.static_priors.items():
        tables |= static_tables(prefix, prior)
    return tables


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
    return goals, transform_goals(model, encoder_networks(model), encoder, squares, moments)


def _coarser(fine: Arrays, goals: Goals) -> Arrays:
    """A whole model's tensors with few steps where there is a goal."""
    others = {name: array for name, array in fine.items() if name not in goals}
    return others | differences(goals, {name: np.zeros_like(fine[name]) for name in goals})


def _changes(goals: Goals, base: ReadOnlyArrays, run: TrainedRun) -> Arrays:
    return factors(goals, base, run.config.rank) if run.config.rank else differences(goals, base)


@torch.no_grad()
def code_lengths(model: FloatCodec[Any], codec: IntegerCodec[Any], gains: range, crops: CropSet) -> tuple[float, float]:
    """Bits that a float model estimates for some training crops, and bits of the integer model for the same latents."""
    pictures, chosen = _calibration_batch(crops, gains, np.random.default_rng(1))
    estimated = float(model(pictures, chosen).estimated_bits.sum())
    latents = model.latents(model.analyse(pictures), chosen)
    size, actual = (pictures.shape[2], pictures.shape[3]), 0.0
    for row, gain in enumerate(chosen.tolist()):
        arrays = {name: to_grid(grid[row : row + 1]) for name, grid in latents.items()}
        actual += quantise(codec, arrays, size, coding_setting(gain, Q_ONE)).ideal_bits
    return estimated, actual


@torch.no_grad()
def rounding_loss(run: TrainedRun, exported: FloatCodec[Any], crops: CropSet) -> float:
    """Share of rate + lambda * distortion that the exported weights lose on training crops."""
    rng, sums = np.random.default_rng(1), np.zeros(2)
    for _ in range(CALIBRATION_BATCHES):
        pictures, gains = _calibration_batch(crops, run.gains, rng)
        sums += [float(losses(m, pictures, gains, run.config.distortion).sum()) for m in (run.model, exported)]
    return float(sums[1] / sums[0] - 1)


def _calibration_batch(crops: CropSet, gains: range, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    pictures = crops.batch(rng, CALIBRATION_BATCH, 256)
    return pictures, torch.from_numpy(rng.integers(gains.start, gains.stop, CALIBRATION_BATCH))


def _packed(model: FloatCodec[Any], networks: tuple[str, ...], but: Container[str] = ()) -> Arrays:
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
        "python -m training.export.whole",
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
    file = f"{arguments.name}.safetensors.gz"
    row = NewModel(arguments.id, arguments.name, file, base.id if base else None, ledger)
    check_rows(arguments.decoder, row)
    with tempfile.TemporaryDirectory() as name:
        halves = Path(name) / "decoder" / file, Path(name) / "encoder" / file
        if base:
            export_difference(run, base, crops, *halves)
        else:
            export(run, crops, *halves)
        decoder = DecoderModel(halves[0].read_bytes(), base.decoder if base else None)
        exported = EncoderModel(arguments.id, decoder, halves[1], gains=run.gains, base=base).floats
        estimated, actual = code_lengths(exported, decoder.codec, run.gains, crops)
        print(f"{file}: " + " + ".join(f"{half.stat().st_size / 1e6:.2f} MB" for half in halves))
        lost = {"few steps": rounding_loss(run, exported, crops), "fixed point": actual / estimated - 1}
        for what, share in lost.items():
            print(f"lost to {what}: {100 * share:+.3f} %")
            if not abs(share) <= MOST_LOST:
                print(f"that is more than {MOST_LOST:.1%}: the weights stay as they were", file=sys.stderr)
                return 1
        for half, folder in zip(halves, (arguments.decoder, arguments.encoder), strict=True):
            write_atomically(folder / file, half.read_bytes())
    update_manifests(arguments.decoder, arguments.encoder, row)
    return 0


if __name__ == "__main__":
    run_command(main)
