"""The model that a run starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from encoder.codecs import FloatCodec, float_codec
from encoder.models import KnownModel, load_zoo, read_encoder_manifest

from .config import TrainConfig
from .settings import ConfigError

PRIOR = "prior."
"""Begins the names of a codec's static densities, whichever grid they belong to."""


def initial_model(config: TrainConfig, file: Path) -> tuple[KnownModel, FloatCodec[Any]]:
    """The model that a run starts from, behind its row of the encoder's manifest.

    Of a model of another architecture what fits is taken: tensors of the same name and shape.

    Raises:
      WeightsError: its files are missing or damaged.
      ConfigError: there is no such model, or no convolution of it fits.
    """
    zoo = load_zoo().learned
    if config.from_model not in zoo.models:
        raise ConfigError(f"{file}: from_model = {config.from_model} is none of the shipped models {list(zoo.models)}")
    origin, model = zoo.models[config.from_model].floats, float_codec(config.build_architecture())
    wanted = model.state_dict()
    if origin.static_priors.keys() != model.static_priors.keys():  # those of other grids may have the same names
        wanted = {name: value for name, value in wanted.items() if not name.startswith(PRIOR)}
    fitting = {n: value for n, value in origin.state_dict().items() if n in wanted and value.shape == wanted[n].shape}
    if not any(value.ndim == 4 for value in fitting.values()):  # a bias of the picture's samples fits any model
        raise ConfigError(f"{file}: nothing of from_model = {config.from_model}, {origin.arch.name}, fits this run")
    model.load_state_dict(fitting, strict=False)
    return read_encoder_manifest(zoo.folders[1]).models[config.from_model], model
