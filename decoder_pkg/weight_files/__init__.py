"""Weight files: safetensors read with every length checked, packed integers, deltas to another model."""

from .deltas import DIFFERENCE, HIGH, LARGEST, LEFT, MAX_SHIFT, RIGHT, SHIFTS, read_weights, zip_weights
from .packed_weights import SCALE_SUFFIX, pack, unpack
from .safetensors_reader import MAX_WEIGHTS_BYTES, TensorFile, parse_safetensors

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
    "pack",
    "parse_safetensors",
    "read_weights",
    "unpack",
    "zip_weights",
]
