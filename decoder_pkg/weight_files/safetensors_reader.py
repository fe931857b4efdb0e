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
from ..fields import all_of, field, parse_object

MAX_WEIGHTS_BYTES, MAX_HEADER_BYTES = 2**26, 2**20
DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1",
          "U32": "<u4", "U16": "<u2"}  # fmt: skip
METADATA = "__metadata__"


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
        header = parse_object(data[8 : 8 + size])
        metadata = all_of(field(header, METADATA, dict), str) if METADATA in header else {}
        header.pop(METADATA, None)
        buffer = memoryview(data)[8 + size :]  # one view: a copy for each tensor would hold them all in memory
        tensors = {name: _tensor(entry, buffer) for name, entry in header.items()}
    except (ValueError, OverflowError) as error:
        raise WeightsError(f"the weight file's header is damaged: {error}") from None
    return TensorFile(tensors, metadata)


def _tensor(entry: object, buffer: memoryview) -> NDArray[np.generic]:
    kind, shape, offsets = field(entry, "dtype", str), field(entry, "shape", list), field(entry, "data_offsets", list)
    if kind not in DTYPES:
        raise ValueError(f"{kind!r} is no type of a tensor")
    dtype = np.dtype(DTYPES[kind])
    if any(type(number) is not int or number < 0 for number in shape + offsets):
        raise ValueError("shape and data_offsets must hold whole numbers, none below zero")
    if len(offsets) != 2:
        raise ValueError("data_offsets must be two numbers")
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
