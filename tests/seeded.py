"""Models of any codec with seeded weights, exported to integers: the transforms are those of the tiny trained model."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import skimage.data
import torch
from safetensors.numpy import save_file
from torch import Tensor

from decoder_pkg.codecs import ARCHITECTURES
from decoder_pkg.codecs.transforms import TransformArchitecture
from decoder_pkg.gains import GAIN_STEPS, OCTAVES
from decoder_pkg.models import DecoderModel
from encoder.codecs import FloatCodec, float_codec
from encoder.codecs.transforms import TransformFloatCodec
from encoder.models import EncoderModel, load_zoo
from tests.paths import GOLDEN
from training.export.fixed_point import calibrate, quantise_layers
from training.export.whole import coding_tables, description, encoder_networks

SMOKE_ARCHITECTURES = {row.name: row for row in ARCHITECTURES if row.name.startswith("smoke")}
NUMBER = 77
GAINS = (4, 24, 44)
STEPS = 60


@cache
def seeded_floats(name: str) -> FloatCodec[Any]:
    """A float codec with the trained transforms, and entropy networks between them that have hardly been trained."""
    arch = SMOKE_ARCHITECTURES[name]
    assert isinstance(arch, TransformArchitecture)
    torch.manual_seed(arch.id)
    codec = float_codec(arch)
    origin = load_zoo(GOLDEN / "decoder", GOLDEN / "encoder").models[7].floats.state_dict()
    wanted = codec.state_dict()
    fitting = {key: value for key, value in origin.items() if key in wanted and value.shape == wanted[key].shape}
    codec.load_state_dict(fitting, strict=False)
    if "analysis.shortcut.weight" not in fitting:  # new transforms hardly tell pictures apart
        assert isinstance(codec, TransformFloatCodec)
        with torch.no_grad():
            codec.analysis.log_gain.sub_(codec.analyse(photograph_crops()).std().log())
    train(codec)
    return codec.eval().requires_grad_(False)


def train(codec: FloatCodec[Any]) -> None:
    """A few steps on two crops, so that rates are those of a model that knows roughly what comes."""
    noise, crops = torch.Generator().manual_seed(1), photograph_crops()
    analysed = codec.analyse(crops).detach()
    networks = [(name, module) for name, module in codec.named_children() if name not in ("analysis", "synthesis")]
    rates = [{"params": module.parameters(), "lr": 0.1 if name == "prior" else 0.01} for name, module in networks]
    optimizer = torch.optim.Adam(rates)
    for step in range(STEPS):
        gains = torch.tensor([step % OCTAVES, (step + 3) % OCTAVES]) * GAIN_STEPS
        _, bits = codec.relax(codec.latents(analysed, gains), gains, False, noise)
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        for weight, gradient in zip(weights, torch.autograd.grad(bits.mean(), weights), strict=True):
            weight.grad = gradient
        optimizer.step()


@cache
def seeded_model(name: str) -> EncoderModel:
    """Both halves of such a codec, its entropy networks in integers."""
    return in_integers(seeded_floats(name), [(photograph_crops(), torch.tensor([gain, gain])) for gain in GAINS])


def in_integers(codec: FloatCodec[Any], batches: list[tuple[Tensor, Tensor]]) -> EncoderModel:
    """Both halves of a float codec, its transforms as they are, calibrated on (pictures, gain indices)."""
    folder = Path(mkdtemp())
    layers, exponents = quantise_layers(codec, calibrate(codec, batches))
    metadata = description(codec.arch, exponents)
    save(layers | coding_tables(codec) | weights(codec, ("synthesis.",)), folder / "decoder", metadata)
    save(weights(codec, encoder_networks(codec)), folder / "encoder")
    return EncoderModel(NUMBER, DecoderModel((folder / "decoder").read_bytes()), folder / "encoder")


def weights(codec: FloatCodec[Any], networks: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in codec.state_dict().items() if name.startswith(networks)}


def save(arrays: dict[str, Any], path: Path, metadata: dict[str, str] | None = None) -> None:
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path, metadata)


def photograph_crops() -> Tensor:
    """Two crops of a photograph, [2, 3, 96, 112] float in [0, 1]."""
    pixels = torch.from_numpy(skimage.data.chelsea()).permute(2, 0, 1).float() / 255
    return torch.stack([pixels[:, 40:136, 100:212], pixels[:, 150:246, 200:312]])
