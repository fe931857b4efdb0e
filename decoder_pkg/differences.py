"""Weight files: safetensors, gzipped as a rule, and models kept as differences to another one.

A fine-tuned copy differs little, and little is what it takes. In a difference file a tensor `<name>.difference` holds
8-bit integers, `<name>.high` (where they are not enough) further ones that count 256 times as much, `<name>.shifts` two
numbers a and b: the copy's `<name>` is (the other's `<name>` << a) + (difference + 256 * high << b). Every other tensor
and all metadata replace those of the same name.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .errors import WeightsError
from .safetensors_reader import MAX_WEIGHTS_BYTES, TensorFile, parse_safetensors

DIFFERENCE, HIGH, SHIFTS = PARTS = ".difference", ".high", ".shifts"
MAX_SHIFT = 14
LARGEST = 2**15 - 1
SMALL = {np.dtype(np.int8), np.dtype(np.int16)}
GZIP_MAGIC = b"\x1f\x8b"
GZIP = 16 + zlib.MAX_WBITS
"""As window size: zlib expects the header and the checksum of gzip."""


def read_weights(data: bytes, base: TensorFile | None = None) -> TensorFile:
    """The tensors of a model.

    Args:
      data: of its file.
      base: the tensors of the model to which the file holds differences; None where it holds a whole model.

    Raises:
      WeightsError: the file is damaged, too large, or no difference to this model.
    """
    change = parse_safetensors(_unzip(data, MAX_WEIGHTS_BYTES) if data.startswith(GZIP_MAGIC) else data)
    if base is None:
        return change
    tensors = base.tensors | {name: array for name, array in change.tensors.items() if not _is_part(name)}
    for part in change.tensors:
        if part.endswith(DIFFERENCE):
            name = part.removesuffix(DIFFERENCE)
            tensors[name] = _add(name, base.tensors.get(name), change.tensors)
    return TensorFile(tensors, base.metadata | change.metadata)


def zip_weights(data: bytes) -> bytes:
    """Gzips a safetensors file: but for runs of zeros its numbers do not repeat, and their frequencies are used."""
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP, 9, zlib.Z_RLE)
    return packer.compress(data) + packer.flush()


def _is_part(name: str) -> bool:
    return name.endswith(PARTS)


def _unzip(data: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(GZIP)
    try:
        whole = unpacker.decompress(data, most)
    except zlib.error as error:
        raise WeightsError(f"the weight file is damaged: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise WeightsError(f"the weight file is cut, has something after its end, or holds more than {most} bytes")
    return whole


def _add(name: str, base: NDArray[np.generic] | None, change: Mapping[str, NDArray[np.generic]]) -> NDArray[np.int16]:
    low, shifts = change[name + DIFFERENCE], change.get(name + SHIFTS)
    high = change.get(name + HIGH, np.zeros_like(low))
    if base is None or shifts is None or not base.shape == low.shape == high.shape or shifts.shape != (2,):
        raise WeightsError(f"{name}{DIFFERENCE} does not fit the model it differs from")
    if base.dtype not in SMALL or {low.dtype, high.dtype, shifts.dtype} != {np.dtype(np.int8)}:
        raise WeightsError(f"{name}{DIFFERENCE} or what it is added to holds other numbers than small integers")
    left, right = (int(shift) for shift in shifts)
    if not 0 <= left <= MAX_SHIFT or not 0 <= right <= MAX_SHIFT:
        raise WeightsError(f"{name}{SHIFTS} are {left} and {right}, not from 0 to {MAX_SHIFT}")
    difference = low.astype(np.int32) + 256 * high.astype(np.int32)
    total = (base.astype(np.int32) << left) + (difference << right)
    if total.size and np.abs(total).max() > LARGEST:
        raise WeightsError(f"{name} leaves the range of 16-bit integers")
    return total.astype(np.int16)
