"""What a training run has made so far: averaged weights and their ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from encoder.codecs import FloatCodec, float_codec
from encoder.manifest import ALL_GAINS

from ..config import TrainConfig
from ..loop import ORIGIN
from ..tasks import adapt, merge

Ledger = dict[str, int | float | str | list[int]]

HOURS = {"cpu": "hours", "cuda": "gpu_hours"}
"""Field of the ledger that counts the hours of a kind of device."""


@dataclass(frozen=True)
class TrainedRun:
    """The averaged weights of a run's newest checkpoint.

    Attributes:
      model: in evaluation mode.
      config: of the run.
      ledger: iterations and hours in all, the gains if it was trained for some of them only, the distortion where it is
        not the squared error.
    """

    model: FloatCodec[Any]
    config: TrainConfig
    ledger: Ledger

    @property
    def gains(self) -> range:
        """Gain indices that it was trained for."""
        return range(self.config.gain_low, self.config.gain_high + 1)


def load_run(run: Path) -> TrainedRun:
    """Reads a run's folder.

    Raises:
      FileNotFoundError: the run has no checkpoint yet.
    """
    config = TrainConfig(**json.loads((run / "config.json").read_text()))
    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    model = float_codec(config.build_architecture())
    if config.rank:
        adapt(model, config.rank)
    model.load_state_dict(state["average"])
    if config.rank:
        merge(model)
    origin = run / ORIGIN
    before = json.loads(origin.read_text()) if origin.exists() else {}
    ledger: Ledger = {"iterations": before.get("iterations", 0) + state["iteration"]}
    for device, field in HOURS.items():
        hours = round(before.get(field, 0.0) + state["seconds"][device] / 3600, 2)
        if hours:
            ledger[field] = hours
    if (config.gain_low, config.gain_high) != ALL_GAINS:
        ledger["gains"] = [config.gain_low, config.gain_high]
    if config.distortion != TrainConfig.distortion:
        ledger["distortion"] = config.distortion
    return TrainedRun(model.eval(), config, ledger)
