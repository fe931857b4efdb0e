"""Training configuration: a frozen dataclass filled from a TOML file that holds only the differences."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import tomllib

from decoder_pkg.codecs import ARCHITECTURES, Architecture, changed
from decoder_pkg.codecs.quadtree import GROUPS
from decoder_pkg.codecs.transforms import TransformArchitecture
from decoder_pkg.codecs.widths import rows
from decoder_pkg.gains import GAIN_COUNT
from decoder_pkg.grids import LATENT_STRIDE
from eval.storage import read_plain

from .distortion import DISTORTIONS
from .settings import ALLOWED, Allowed, ConfigError, choice, fault, faults, name, real, unknown_fields, whole

ROWS = {row.name: row for row in ARCHITECTURES if isinstance(row, TransformArchitecture)}
MOST_IDS = 255
MOST_CHANNELS = 3 * LATENT_STRIDE**2
"""A shortcut's principal components are no more than the samples of a patch."""

MOST_PIXELS = 2**26
"""Of all pictures of an iteration: with more, the memory of any machine is full before the first is done."""

CHANNEL_STEP = GROUPS
"""Latent channels come in equal groups where the context codes them group by group."""


def changeable(arch: Architecture) -> dict[str, Allowed]:
    """What a run may replace in its architecture's row, and in that of its transforms."""
    known = [f.name for row in rows(arch) for f in fields(row) if type(getattr(row, f.name)) is int and f.name != "id"]
    widths = {width: Allowed(int, 1, MOST_CHANNELS) for width in known}
    return widths | {"latent_channels": Allowed(int, CHANNEL_STEP, MOST_CHANNELS, step=CHANNEL_STEP)}


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Attributes:
      architecture: name of a row of the architecture table.
      task: what is trained, a name in `training.tasks.table`.
      from_model: id of the shipped model whose weights the run starts from; by default from nothing.
      architecture_changes: fields of that row to replace, for experiments that are never shipped.
      iterations: length of the whole run.
      batch, crop: pictures per iteration and their side in pixels.
      muon_lr, adam_lr: peak learning rates; with muon_lr 0 Adam trains everything.
      table_factor: times the Adam rate for gains and the hyper-latents' prior.
      warmup: iterations of linear warm-up.
      decay: share of the iterations over which the rate falls to zero at the end.
      noise_iterations: iterations in which the synthesis sees noise in place of rounding.
      ema: decay of the averaged weights per iteration.
      clip: largest norm of the gradient.
      rank: of what is added to every convolution's weight of the model that the run starts from, see
        `training.tasks.low_rank`; 0 trains the weights themselves.
      distortion: `mse` or `ms-ssim`, see `training.distortion`.
      gain_low, gain_high: range of gain indices (inclusive), over which every batch is spread.
      evaluate_every: iterations between evaluations.
      seed: of data order, noise and initial weights.
    """

    architecture: str = choice("quadtree", tuple(ROWS))
    task: str = name("rate-distortion")
    from_model: int | None = whole(None, 0, MOST_IDS)
    architecture_changes: dict[str, Any] = field(default_factory=dict, metadata={ALLOWED: Allowed(dict)})
    iterations: int = whole(100_000, 1)
    batch: int = whole(8, 1)
    crop: int = whole(256, LATENT_STRIDE, step=LATENT_STRIDE)
    muon_lr: float = real(1.5e-3, 0)
    adam_lr: float = real(5e-4, 0)
    table_factor: float = real(3.0, 0)
    warmup: int = whole(200, 0)
    decay: float = real(0.3, 0, 1)
    noise_iterations: int = whole(2000, 0)
    ema: float = real(0.999, 0, 1)
    clip: float = real(1.0, 1e-9)
    rank: int = whole(0, 0)
    distortion: str = choice("mse", tuple(DISTORTIONS))
    gain_low: int = whole(0, 0, GAIN_COUNT - 1)
    gain_high: int = whole(48, 0, GAIN_COUNT - 1)
    evaluate_every: int = whole(1000, 1)
    seed: int = whole(1, 0)

    def __post_init__(self) -> None:
        """Refuses what cannot be trained.

        Raises:
          ConfigError: a value has another type or is out of range, or two exclude each other; the text names all.
        """
        found = faults(self) or [*self._relations(), *self._changes()]
        if found:
            raise ConfigError("; ".join(found))

    def _relations(self) -> list[str]:
        found = []
        if self.batch * self.crop**2 > MOST_PIXELS:
            found.append(fault("batch", self.batch, f"at most {MOST_PIXELS // self.crop**2:,} at crop = {self.crop}"))
        if self.gain_low > self.gain_high:
            found.append(fault("gain_low", self.gain_low, f"at most gain_high = {self.gain_high}"))
        if self.rank and self.from_model is None:
            found.append(fault("rank", self.rank, "0 without from_model, the model to which something is added"))
        return found

    def _changes(self) -> list[str]:
        """What is wrong with the architecture's changes."""
        changes, prefix = self.architecture_changes, "architecture_changes."
        rules = changeable(ROWS[self.architecture])
        return unknown_fields(changes, list(rules), prefix) + [
            fault(prefix + name, changes[name], rule)
            for name, rule in rules.items()
            if name in changes and not rule.holds(changes[name])
        ]

    def build_architecture(self) -> Architecture:
        """The architecture row with this run's changes."""
        return changed(ROWS[self.architecture], self.architecture_changes)


def load_config(path: Path) -> TrainConfig:
    """Reads a TOML file of TrainConfig fields, or the JSON file of all of them in a run's folder.

    Raises:
      OSError: the file cannot be read.
      ConfigError: it is damaged, or something in it cannot be; the text names the file and the fields.
    """
    read = json.loads if path.suffix == ".json" else tomllib.loads
    try:
        values = read(read_plain(path).decode())
        if not isinstance(values, dict):
            raise ConfigError("it is no table of fields")
        if found := unknown_fields(values, [f.name for f in fields(TrainConfig)]):
            raise ConfigError(*found)
        return TrainConfig(**values)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from None
