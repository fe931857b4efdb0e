"""A run's folder: its files, the checkpoint among them, and the lock that keeps a second run out."""

from __future__ import annotations

import fcntl
import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eval.storage import UNFINISHED, check_folder, check_output, read_plain, write_atomically

CHECKPOINT, CONFIG, LOG, PLOT = "checkpoint.pt", "config.json", "log.csv", "progress.png"
ORIGIN = "origin.json"
"""The manifest's row of the model that the run started from."""

LOCK = ".lock"
DEVICES = ("cpu", "cuda")

DAMAGED = (
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    EOFError,
    OverflowError,
    pickle.UnpicklingError,
)
"""What torch raises for a checkpoint that is damaged, or whose parts are not what a run's are."""


class RunError(ValueError):
    """A file of a run's folder cannot be used, or another run is using the folder."""


@dataclass(frozen=True)
class Checkpoint:
    """State of a run after an iteration.

    Attributes:
      iteration: how many lie behind.
      seconds: of training, by kind of device.
      model, average: weights, and their averages, by name.
      optimizers: state of each.
    """

    iteration: int
    seconds: dict[str, float]
    model: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizers: list[dict[str, Any]]

    def __post_init__(self) -> None:
        """Refuses parts that no run has saved.

        Raises:
          ValueError: one has another type or range.
        """
        counts = type(self.iteration) is int and self.iteration >= 0
        times = isinstance(self.seconds, dict) and sorted(self.seconds) == sorted(DEVICES)
        if not counts or not times or not all(type(value) is float and value >= 0 for value in self.seconds.values()):
            raise ValueError("iteration or seconds are no counts")
        for weights in (self.model, self.average):
            if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
                raise ValueError("its weights are no tensors")


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes checkpoint.pt; the one before stays until this one is whole.

    Raises:
      OSError: there is no room for it.
    """
    buffer = io.BytesIO()  # torch itself says of a full disk that positions differ
    torch.save(vars(checkpoint), buffer)
    write_atomically(folder / CHECKPOINT, buffer.getvalue())


def read_checkpoint(folder: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Reads checkpoint.pt.

    Raises:
      OSError: there is none.
      RunError: it is damaged.
    """
    path = folder / CHECKPOINT
    data = io.BytesIO(read_plain(path))
    try:
        return Checkpoint(**torch.load(data, map_location=device, weights_only=True))
    except (*DAMAGED, OSError) as error:
        raise RunError(f"{path} is damaged: {first_line(error)}") from None


def first_line(error: BaseException) -> str:
    """What an error says first: torch adds advice."""
    return str(error).partition("\n")[0]


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keeps other runs out of a folder, and clears it of what a killed one left unfinished.

    Raises:
      OSError: there is something else of that name.
      RunError: another run is using it.
    """
    check_folder(folder)
    check_output(folder / LOCK)
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not flock: processes that cut batches would inherit it
        except OSError:
            raise RunError(f"another run is using {folder}: wait for it, or give --run another folder") from None
        for path in folder.iterdir():
            if UNFINISHED.fullmatch(path.name) and path.is_file():
                path.unlink()
        yield
