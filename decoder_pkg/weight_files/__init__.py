"""Weight files: safetensors read with every length checked, packed integers, fine-tuned models as deltas."""

from .deltas import DELTA, HIGH, LARGEST, LEFT, MAX_SHIFT, RIGHT, SHIFTS, read_weights, zip_weights
from .packed_weights import SCALE_SUFFIX, pack, unpack
from .safetensors_reader import MAX_WEIGHTS_BYTES, TensorFile, TensorReader, parse_safetensors, tensors_digest
