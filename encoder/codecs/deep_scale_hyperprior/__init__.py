"""The scale hyperprior of CompressAI in float."""

from .codec import DeepScaleFloatCodec
