"""Weights of the float networks as they lie in a file: fp16 or float32, or integers with a scale for each output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError

SCALE_SUFFIX = ".scale"

LARGEST_CODE = 2**13 - 1
"""The largest integer of each output channel: fine-tuned weights may grow fourfold in 16 bits."""

Arrays = Mapping[str, NDArray[np.generic]]


def pack(weight: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """A weight [O, ...] as integers of the same shape and the float32 scale [O] of each output channel."""
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scale = (np.maximum(largest, np.finfo(np.float16).tiny) / LARGEST_CODE).astype(np.float32)
    return np.round(weight / _beside(scale, weight)).astype(np.int16), scale


def unpack(tensors: Arrays, prefix: str) -> dict[str, NDArray[np.float32]]:
    """The float32 weights of one network, named without its prefix.

    Raises:
      WeightsError: a scale does not fit its weight, or a value is infinite or no number.
    """
    names = [name for name in tensors if name.startswith(prefix) and not name.endswith(SCALE_SUFFIX)]
    with np.errstate(all="ignore"):  # what is no number is refused below
        weights = {name.removeprefix(prefix): _unpacked(name, tensors) for name in names}
    for name, weight in weights.items():
        if not np.isfinite(weight).all():
            raise WeightsError(f"{prefix}{name} holds values that are no finite numbers")
    return weights


def _unpacked(name: str, tensors: Arrays) -> NDArray[np.float32]:
    weight, scale = tensors[name].astype(np.float32), tensors.get(name + SCALE_SUFFIX)
    if scale is None:
        return weight
    if weight.ndim == 0 or scale.shape != weight.shape[:1]:
        raise WeightsError(f"{name} of shape {weight.shape} has scales of shape {scale.shape}")
    return weight * _beside(scale.astype(np.float32), weight)


def _beside(scale: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    return scale.reshape(-1, *[1] * (weight.ndim - 1))
