"""Reads safetensors files with nothing but numpy: the container that decodes has no other library for them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError

MAX_WEIGHTS_BYTES, MAX_HEADER_BYTES = 2**26, 2**20
DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1",
          "U32": "<u4", "U16": "<u2"}  # fmt: skip


Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class TensorFile:
    """Tensors by name and the file's metadata strings."""

    tensors: dict[str, NDArray[np.generic]]
    metadata: dict[str, str]


@dataclass(frozen=True)
class TensorReader:
    """Tensors that must have an exact type and shape."""

    tensors: Mapping[str, NDArray[np.generic]]

    def get(self, name: str, dtype: type[Number], *shape: int | None) -> NDArray[Number]:
        """A tensor of exactly this type and shape, where None stands for any size but zero.

        Raises:
          WeightsError: there is none.
        """
        if name not in self.tensors:
            raise WeightsError(f"the weight file lacks {name}")
        tensor = self.tensors[name]
        fits = len(tensor.shape) == len(shape) and all(
            have == (want or max(have, 1)) for have, want in zip(tensor.shape, shape, strict=True)
        )
        if tensor.dtype != dtype or not fits:
            raise WeightsError(f"{name} is {tensor.dtype} {tensor.shape}: it does not fit the architecture")
        return tensor.astype(dtype)


def parse_safetensors(data: bytes) -> TensorFile:
    """Parses a whole file.

    Raises:
      WeightsError: the header or the layout of the tensors is wrong.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(MAX_HEADER_BYTES, len(data) - 8):
        raise WeightsError("the weight file is cut or is no safetensors file")
    try:
        header = json.loads(data[8 : 8 + size])
        metadata = header.pop("__metadata__", {})
        buffer = memoryview(data)[8 + size :]  # one view: a copy for each tensor would hold them all in memory
        tensors = {name: _tensor(entry, buffer) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise WeightsError(f"the weight file's header is damaged: {error}") from None
    return TensorFile(tensors, metadata)


def _tensor(entry: dict[str, object], buffer: memoryview) -> NDArray[np.generic]:
    dtype = np.dtype(DTYPES[str(entry["dtype"])])
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(shape, list) or not isinstance(offsets, list):
        raise ValueError("shape and data_offsets must be lists")
    if any(type(number) is not int or number < 0 for number in shape + offsets):
        raise ValueError("shape and data_offsets must hold whole numbers, none below zero")
    begin, end = offsets
    count = math.prod(shape)
    if not begin <= end <= len(buffer) or count * dtype.itemsize != end - begin:
        raise ValueError(f"a tensor of shape {shape} does not fit bytes {begin} to {end}")
    return np.frombuffer(buffer, dtype=dtype, count=count, offset=begin).reshape(shape)


def tensors_digest(file: TensorFile) -> bytes:
    """sha256 over metadata and tensors, with names, types and shapes: the same however they are packed."""
    digest = hashlib.sha256(json.dumps(sorted(file.metadata.items())).encode())
    for name, tensor in sorted(file.tensors.items()):
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape} ".encode() + np.ascontiguousarray(tensor).tobytes())
    return digest.digest()
