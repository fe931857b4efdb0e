"""What a training run has made so far: averaged weights and the record of their training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoder.codecs import FloatCodec, float_codec
from encoder.models import ALL_GAINS
from eval.storage import read_plain, write_json

from ..config import TrainConfig, load_config
from ..run_folder import CHECKPOINT, CONFIG, DAMAGED, ORIGIN, Checkpoint, RunError, first_line, read_checkpoint
from ..settings import MOST
from ..tasks import adapt, merge

LICENCE = "for research; trained on photographs under licences of their own, see training/MODEL_CARD.md"

TrainingRecord = dict[str, int | float | str | list[int]]

HOURS = {"cpu": "hours", "cuda": "gpu_hours"}
"""Field of the record that counts the hours of a kind of device."""


class ExportError(ValueError):
    """A model cannot be stored in integers, or does not fit among those that are exported already."""


@dataclass(frozen=True)
class TrainedRun:
    """The averaged weights of a run's newest checkpoint.

    Attributes:
      model: in evaluation mode.
      config: of the run.
      record: iterations and hours in all, the gains if it was trained for some of them only, the distortion where it is
        not the squared error.
    """

    model: FloatCodec[Any]
    config: TrainConfig
    record: TrainingRecord

    @property
    def gains(self) -> range:
        """Gain indices that it was trained for."""
        return range(self.config.gain_low, self.config.gain_high + 1)


def load_run(run: Path) -> TrainedRun:
    """Reads a run's folder.

    Raises:
      OSError: a file cannot be read.
      RunError: it is no run's folder, or has no checkpoint yet; or a file of it is damaged.
      ConfigError: its configuration is.
    """
    for name in (CONFIG, CHECKPOINT):
        if not (run / name).exists():
            raise RunError(f"{run / name} is missing: give --run the folder of a run that has saved a checkpoint")
    config, checkpoint, origin = load_config(run / CONFIG), read_checkpoint(run), read_origin(run)
    model = float_codec(config.build_architecture())
    if config.rank:
        adapt(model, config.rank)
    try:
        model.load_state_dict(checkpoint.average)
    except DAMAGED as error:
        raise RunError(f"{run / CHECKPOINT} is of another configuration than {CONFIG}: {first_line(error)}") from None
    if not all(value.isfinite().all() for value in checkpoint.average.values()):
        raise RunError(f"{run / CHECKPOINT} holds weights that are no finite numbers: the run has diverged")
    if config.rank:
        merge(model)
    return TrainedRun(model.eval(), config, _record(config, checkpoint, origin))


def _record(config: TrainConfig, checkpoint: Checkpoint, origin: Mapping[str, Any]) -> TrainingRecord:
    record: TrainingRecord = {"iterations": origin.get("iterations", 0) + checkpoint.iteration}
    for device, field in HOURS.items():
        hours = round(origin.get(field, 0.0) + checkpoint.seconds[device] / 3600, 2)
        if hours:
            record[field] = hours
    if (config.gain_low, config.gain_high) != ALL_GAINS:
        record["gains"] = [config.gain_low, config.gain_high]
    if config.distortion != TrainConfig.distortion:
        record["distortion"] = config.distortion
    return record


def write_origin(run: Path, row: Mapping[str, object] | None) -> None:
    """Notes the manifest's row of the model that a run starts from, if it starts from one: its hours count for both."""
    if row is None:
        (run / ORIGIN).unlink(missing_ok=True)
    else:
        write_json(run / ORIGIN, row)


def read_origin(run: Path) -> dict[str, Any]:
    """The manifest's row of the model that a run started from, empty where it started from nothing.

    Raises:
      RunError: the file is damaged.
    """
    path = run / ORIGIN
    if not path.exists():
        return {}
    try:
        row = json.loads(read_plain(path))
        counts = [row.get(name, 0) for name in ("iterations", *HOURS.values())]
    except (ValueError, AttributeError, RecursionError):
        counts = [None]
    if not all(type(count) in (int, float) and 0 <= count <= MOST for count in counts):
        raise RunError(f"{path} is damaged: it must hold the manifest's row of the model that the run started from")
    return dict(row)
