"""The codec with a causal context for the scale: the network of Zhao et al. 2021."""

from .codec import ScaleContextArchitecture, ScaleContextCodec
