"""The mean-scale hyperprior of CompressAI in float."""

from .codec import DeepMeanScaleFloatCodec
