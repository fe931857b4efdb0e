"""The codec of Cheng et al. 2020 as CompressAI has it, in float."""

from .codec import DeepChengFloatCodec
