"""Reads safetensors files with nothing but numpy: the container that decodes has no other library for them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError

MAX_WEIGHTS_BYTES, MAX_HEADER_BYTES = 2**26, 2**20
DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1",
          "U32": "<u4", "U16": "<u2"}  # fmt: skip


@dataclass(frozen=True)
class TensorFile:
    """Tensors by name and the file's metadata strings."""

    tensors: dict[str, NDArray[np.generic]]
    metadata: dict[str, str]


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
