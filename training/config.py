"""Training configuration: a frozen dataclass filled from a TOML file that holds only the differences."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import tomllib

from decoder_pkg.codecs import ARCHITECTURES, Architecture

from .distortion import DISTORTIONS


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Attributes:
      architecture: name of a row of the architecture table.
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

    architecture: str = "quadtree"
    from_model: int | None = None
    architecture_changes: dict[str, Any] = field(default_factory=dict)
    iterations: int = 100_000
    batch: int = 8
    crop: int = 256
    muon_lr: float = 1.5e-3
    adam_lr: float = 5e-4
    table_factor: float = 3.0
    warmup: int = 200
    decay: float = 0.3
    noise_iterations: int = 2000
    ema: float = 0.999
    clip: float = 1.0
    rank: int = 0
    distortion: str = "mse"
    gain_low: int = 0
    gain_high: int = 48
    evaluate_every: int = 1000
    seed: int = 1

    def build_architecture(self) -> Architecture:
        """The architecture row with this run's changes.

        Raises:
          ValueError: no row has that name.
        """
        rows = {row.name: row for row in ARCHITECTURES}
        if self.architecture not in rows:
            raise ValueError(f"no architecture {self.architecture!r}; known: {sorted(rows)}")
        return replace(rows[self.architecture], **self.architecture_changes)


def load_config(path: Path) -> TrainConfig:
    """Reads a TOML file of TrainConfig fields.

    Raises:
      ValueError: the file names a field or a distortion that does not exist, or a rank without a model to start from.
    """
    values = tomllib.loads(path.read_text())
    known = {f.name for f in fields(TrainConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{path}: unknown fields {unknown}; known: {sorted(known)}")
    config = TrainConfig(**values)
    if config.distortion not in DISTORTIONS:
        raise ValueError(f"{path}: distortion {config.distortion!r} is none of {sorted(DISTORTIONS)}")
    if config.rank and config.from_model is None:
        raise ValueError(f"{path}: a rank is that of what is added to a model: from_model must say to which")
    return config
