"""The table of training tasks, by the name that a configuration gives."""

from __future__ import annotations

from ..config import TrainConfig
from ..settings import ConfigError, fault
from .entropy_model import EntropyModel
from .interface import MakeTask
from .rate_distortion import RateDistortion

TASKS: dict[str, MakeTask] = {"rate-distortion": RateDistortion, "entropy-model": EntropyModel}


def task_of(config: TrainConfig) -> MakeTask:
    """The task that a configuration names.

    Raises:
      ConfigError: there is no such task.
    """
    if config.task not in TASKS:
        raise ConfigError(fault("task", config.task, f"one of {', '.join(TASKS)}"))
    return TASKS[config.task]
