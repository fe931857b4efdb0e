"""The float half of the codec with a causal context for the scale."""

from .codec import ScaleContextFloatCodec
