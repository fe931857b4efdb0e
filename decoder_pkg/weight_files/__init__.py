"""Weight files: safetensors read with every length checked, packed integers, deltas to another model."""

from .deltas import DIFFERENCE, HIGH, LARGEST, LEFT, MAX_SHIFT, RIGHT, SHIFTS, read_weights, zip_weights
from .packed_weights import SCALE_SUFFIX, pack, unpack
from .safetensors_reader import MAX_WEIGHTS_BYTES, TensorFile, TensorReader, parse_safetensors, tensors_digest

__all__ = [
    "DIFFERENCE",
    "HIGH",
    "LARGEST",
    "LEFT",
    "MAX_SHIFT",
    "MAX_WEIGHTS_BYTES",
    "RIGHT",
    "SCALE_SUFFIX",
    "SHIFTS",
    "TensorFile",
    "TensorReader",
    "pack",
    "parse_safetensors",
    "read_weights",
    "tensors_digest",
    "unpack",
    "zip_weights",
]
