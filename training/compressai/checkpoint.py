"""Reads a checkpoint of CompressAI: tensors by the names that the library gives them, none of which is believed."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eval.storage import read_plain

MAX_CHECKPOINT_BYTES = 2**31
"""Of a file, packed and unpacked: the largest network that is read, with its optimisers, has half of it."""

DAMAGED = (RuntimeError, ValueError, LookupError, TypeError, AttributeError, EOFError, OverflowError, OSError)
"""What torch raises for a file that is damaged, beside `pickle.UnpicklingError`."""

OLD_NAMES = (
    (r"^module\.", ""),
    (r"\.downsample\.", ".skip."),
    (r"\._(?:matrix|matrices\.)(\d)$", r".matrices.\1"),
    (r"\._(?:bias|biases\.)(\d)$", r".biases.\1"),
    (r"\._(?:factor|factors\.)(\d)$", r".factors.\1"),
)
"""Patterns of names that earlier versions and `DataParallel` wrote, and what stands in their place now."""

DERIVED = re.compile(r"\.(_quantized_cdf|_offset|_cdf_length|target|scale_table|pedestal|bound|scale_bound|mask)$")
"""Names of tensors that the library computes from others."""


class CheckpointError(ValueError):
    """A file is no checkpoint of CompressAI that can be read."""


class State:
    """The tensors of a checkpoint, each to be taken once."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = {name: value for name, value in tensors.items() if not DERIVED.search(name)}

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def mentions(self, *parts: str) -> bool:
        """Whether one of its names holds one of these."""
        return any(part in name for name in self._tensors for part in parts)

    def size(self, name: str, axis: int) -> int:
        """The size of a tensor along an axis.

        Raises:
          CheckpointError: there is no such tensor, or it has no such axis.
        """
        if name not in self._tensors or self._tensors[name].ndim <= axis:
            raise CheckpointError(f"it lacks {name}, or that has no axis {axis}")
        return self._tensors[name].shape[axis]

    def take(self, name: str, *shape: int) -> Tensor:
        """A tensor of exactly this shape, as float32.

        Raises:
          CheckpointError: there is no such tensor, it has another shape, or holds no finite numbers.
        """
        if name not in self._tensors:
            raise CheckpointError(f"it lacks {name}")
        found = self._tensors.pop(name)
        if found.shape != shape or not found.is_floating_point():
            raise CheckpointError(f"{name} is {found.dtype} {tuple(found.shape)}, not floating point {shape}")
        if not found.isfinite().all():
            raise CheckpointError(f"{name} holds values that are no finite numbers")
        return found.detach().float().contiguous()

    def finish(self) -> None:
        """Makes sure that nothing is left.

        Raises:
          CheckpointError: there are tensors that nobody took.
        """
        if self._tensors:
            raise CheckpointError(f"it has tensors that such a network lacks: {sorted(self._tensors)[:3]}")


def read_state(path: Path) -> State:
    """Reads a .pth or .pth.tar file, whose whole content or `state_dict` is a state dict.

    Raises:
      OSError: there is no such file.
      CheckpointError: it is damaged, too large, or none.
    """
    try:
        return State(_state_dict(_load(path)))
    except CheckpointError as error:
        raise CheckpointError(
            f"{path}: {error}; give it a file that CompressAI's training saved, or the state_dict of its network"
        ) from None


def _load(path: Path) -> Any:
    if path.stat().st_size > MAX_CHECKPOINT_BYTES:
        raise CheckpointError(f"it has more than {MAX_CHECKPOINT_BYTES} bytes")
    data = read_plain(path)
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            unpacked = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
            if unpacked > MAX_CHECKPOINT_BYTES:
                raise CheckpointError(f"it unpacks to more than {MAX_CHECKPOINT_BYTES} bytes")
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except (*DAMAGED, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        first = str(error).partition("\n")[0]
        raise CheckpointError(f"it is damaged, or holds other things than tensors: {first}") from None


def _state_dict(whole: Any) -> dict[str, Tensor]:
    state = whole.get("state_dict", whole) if isinstance(whole, Mapping) else None
    if not isinstance(state, Mapping) or not state:
        raise CheckpointError("it holds no state dict")
    if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()):
        raise CheckpointError("what it holds are not tensors by name")
    return {_present_name(name): value for name, value in state.items()}


def _present_name(name: str) -> str:
    for pattern, present in OLD_NAMES:
        name = re.sub(pattern, present, name)
    return name
