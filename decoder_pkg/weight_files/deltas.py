"""Weight files: safetensors, gzipped as a rule, and fine-tuned models stored as deltas to their base.

A fine-tuned model differs little from its base, and its delta takes few bytes. There a tensor `<name>.difference` holds
8-bit integers, `<name>.high` (where they are not enough) further ones that count 256 times as much, `<name>.shifts` two
numbers a and b: the fine-tuned `<name>` is (the base's `<name>` << a) + (difference + 256 * high << b). Below zero, a
shifts to the right and leaves room for what is added.

Where a model was fine-tuned at low rank, `<name>.left` [rows, rank] and `<name>.right` [rank, columns] stand
in place of the difference, 8- or 16-bit integers: their product over 2^b, halves rounded to the even neighbour, its
numbers in the tensor's order.

Every other tensor and all metadata replace those of the same name. The file of a whole model may hold deltas too, to
zeros: coarsely quantised weights take fewer bytes so.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from .safetensors_reader import MAX_WEIGHTS_BYTES, TensorFile, parse_safetensors

DELTA, HIGH, LEFT, RIGHT, SHIFTS = PARTS = ".difference", ".high", ".left", ".right", ".shifts"
MAX_SHIFT, MAX_HALVINGS, MAX_RANK = 14, 7, 64
LARGEST = 2**15 - 1
SMALL = {np.dtype(np.int8), np.dtype(np.int16)}
Array = NDArray[np.generic]
Added = Callable[[str, tuple[int, ...], Mapping[str, Array], int], NDArray[np.int64]]
"""From name, shape, the file's tensors and the second shift."""

GZIP_MAGIC = b"\x1f\x8b"
GZIP = 16 + zlib.MAX_WBITS
"""As window size: zlib expects the header and the checksum of gzip."""


def read_weights(data: bytes, base: TensorFile | None = None) -> TensorFile:
    """The tensors of a model.

    Args:
      data: of its file.
      base: the tensors of the model to which the file holds a delta; None where it holds a whole model.

    Raises:
      WeightsError: the file is damaged, too large, or no delta to this model.
    """
    change = parse_safetensors(_unzip(data, MAX_WEIGHTS_BYTES) if data.startswith(GZIP_MAGIC) else data)
    base = base or _zeros(change)
    tensors = base.tensors | {name: array for name, array in change.tensors.items() if not _is_part(name)}
    for part in change.tensors:
        name, kind = part.rpartition(".")[0], part[part.rfind(".") :]
        if kind in ADDED:
            tensors[name] = _add(name, base.tensors.get(name), change.tensors, ADDED[kind])
    return TensorFile(tensors, base.metadata | change.metadata)


def zip_weights(data: bytes) -> bytes:
    """Gzips a safetensors file: but for runs of zeros its numbers do not repeat, and their frequencies are used."""
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP, 9, zlib.Z_RLE)
    return packer.compress(data) + packer.flush()


def _zeros(change: TensorFile) -> TensorFile:
    """What a whole model's deltas are added to."""
    parts = {name: array for name, array in change.tensors.items() if name.endswith(DELTA)}
    zeros: dict[str, Array] = {
        name.removesuffix(DELTA): np.zeros(array.shape, dtype=np.int16) for name, array in parts.items()
    }
    return TensorFile(zeros, {})


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


def _add(name: str, base: Array | None, change: Mapping[str, Array], added: Added) -> NDArray[np.int16]:
    shifts = change.get(name + SHIFTS)
    if base is None or shifts is None or shifts.shape != (2,) or shifts.dtype != np.int8 or base.dtype not in SMALL:
        raise WeightsError(f"{name} has no shifts, or is no tensor of small integers in the base model")
    if {name + kind for kind in ADDED} <= change.keys():
        raise WeightsError(f"{name} has both a delta and the factors of one")
    left, right = (int(shift) for shift in shifts)
    if not -MAX_HALVINGS <= left <= MAX_SHIFT or not 0 <= right <= MAX_SHIFT:
        raise WeightsError(
            f"{name}{SHIFTS} are {left} and {right}, not from 0 (the first: -{MAX_HALVINGS}) to {MAX_SHIFT}"
        )
    wide = base.astype(np.int64)
    total = (wide >> -left if left < 0 else wide << left) + added(name, base.shape, change, right)
    if total.size and np.abs(total).max() > LARGEST:
        raise WeightsError(f"{name} leaves the range of 16-bit integers")
    return total.astype(np.int16)


def _delta(name: str, shape: tuple[int, ...], change: Mapping[str, Array], shift: int) -> NDArray[np.int64]:
    low = change[name + DELTA]
    high = change.get(name + HIGH, np.zeros_like(low))
    if not shape == low.shape == high.shape or {low.dtype, high.dtype} != {np.dtype(np.int8)}:
        raise WeightsError(f"{name}{DELTA} does not fit the base model, or holds no small integers")
    difference: NDArray[np.int64] = (low.astype(np.int64) + 256 * high.astype(np.int64)) << shift
    return difference


def _product(name: str, shape: tuple[int, ...], change: Mapping[str, Array], shift: int) -> NDArray[np.int64]:
    left, right = change[name + LEFT], change.get(name + RIGHT)
    if right is None or not {left.dtype, right.dtype} <= SMALL or not left.ndim == right.ndim == 2:
        raise WeightsError(f"{name}{LEFT} and {name}{RIGHT} are no two matrices of small integers")
    if not left.shape[1] == right.shape[0] <= MAX_RANK or left.shape[0] * right.shape[1] != math.prod(shape):
        raise WeightsError(f"{name}{LEFT} and {name}{RIGHT} do not fit the base model")
    product = left.astype(np.float64) @ right.astype(np.float64)  # whole numbers: exact
    # Halves all rounded up would add up over the inputs.
    rounded: NDArray[np.int64] = np.rint(np.ldexp(product, -shift)).astype(np.int64)
    return rounded.reshape(shape)


ADDED: dict[str, Added] = {DELTA: _delta, LEFT: _product}
"""What is added to the base model's tensor, by the part that asks for it."""
