"""The codec of Cheng et al. 2020 as CompressAI has it, in exact integers."""

from .codec import DeepChengArchitecture, DeepChengCodec
