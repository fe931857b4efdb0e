"""Both halves of a trained model: whole, or as a delta to a model that is exported already."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from decoder_pkg.codecs import Architecture, IntegerCodec, codec_of, open_widths
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.models import DecoderModel
from decoder_pkg.weight_files import SCALE_SUFFIX, pack, zip_weights
from encoder.codecs import ROUNDED, FloatCodec, coding_setting, each
from encoder.coding import quantise, with_choices
from encoder.models import EncoderModel, to_grid
from eval.storage import write_atomically

from ..data import CropSet
from ..tasks import losses
from .compensated_rounding import input_moments
from .deltas import Goal, delta_tensors, entropy_biases, entropy_goals, squared_gradients, transform_goals
from .factors import factors
from .fixed_point import calibrate, quantise_layers
from .tables import SCALE_TABLES, static_tables
from .trained import TrainedRun

Arrays = dict[str, NDArray[np.generic]]
ReadOnlyArrays = Mapping[str, NDArray[np.generic]]
Goals = dict[str, Goal]

DECODER_NETWORKS = ("synthesis.",)

CALIBRATION_BATCHES = 16
CALIBRATION_BATCH = 8
MOMENT_BATCHES = 6


def export(run: TrainedRun, crops: CropSet, decoder_file: Path, encoder_file: Path) -> None:
    """Writes both halves of a whole model, its weights as deltas to zeros: coarse steps take few bytes."""
    model, rng = run.model, np.random.default_rng(0)
    batches = [_calibration_batch(crops, run.gains, rng) for _ in range(CALIBRATION_BATCHES)]
    layers, exponents = quantise_layers(model, calibrate(model, batches))
    metadata = description(model.arch, exponents)
    decoder = layers | coding_tables(model) | _packed(model, DECODER_NETWORKS)
    encoder = _packed(model, encoder_networks(model))
    goals = _goals(run, DecoderModel(_safetensors(decoder, metadata)), encoder, crops)
    _save(_coarser(decoder, goals[0]), decoder_file, metadata)
    _save(_coarser(encoder, goals[1]), encoder_file)


def description(arch: Architecture, exponents: Mapping[str, int]) -> dict[str, str]:
    """The metadata of a whole model's weight file."""
    metadata = {"architecture": str(arch.id), "exponents": json.dumps(exponents)}
    return metadata | ({"widths": json.dumps(open_widths(arch))} if arch.open_widths else {})


def export_delta(run: TrainedRun, base: EncoderModel, crops: CropSet, decoder_file: Path, encoder_file: Path) -> None:
    """Writes both halves of a model as deltas to another one of its architecture."""
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
    for kind in {layer.peak for layer in codec_of(model.arch).layers(model.arch) if isinstance(layer.peak, str)}:
        tables |= SCALE_TABLES[kind]()
    for prefix, prior in model.static_priors.items():
        tables |= static_tables(prefix, prior)
    return tables | {name: tensor.numpy() for name, tensor in model.integer_tensors.items()}


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
    """A whole model's tensors, quantised where there is a goal."""
    others = {name: array for name, array in fine.items() if name not in goals}
    return others | delta_tensors(goals, {name: np.zeros_like(fine[name]) for name in goals})


def _changes(goals: Goals, base: ReadOnlyArrays, run: TrainedRun) -> Arrays:
    return factors(goals, base, run.config.rank) if run.config.rank else delta_tensors(goals, base)


@torch.no_grad()
def code_lengths(model: FloatCodec[Any], codec: IntegerCodec[Any], gains: range, crops: CropSet) -> tuple[float, float]:
    """Bits that a float model estimates for some training crops, and bits of the integer model for the same latents."""
    pictures, chosen = _calibration_batch(crops, gains, np.random.default_rng(1))
    estimated = float(model(pictures, chosen).estimated_bits.sum())
    latents = model.latents(model.analyse(pictures), chosen)
    size, actual = (pictures.shape[2], pictures.shape[3]), 0.0
    for row, gain in enumerate(chosen.tolist()):
        one = each(latents, lambda grid: grid[row : row + 1])  # noqa: B023
        whole = with_choices(model, one, chosen[row : row + 1], 1.0, ROUNDED)
        arrays = {name: to_grid(grid) for name, grid in whole.items()}
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
