"""The float half of the mean-scale hyperprior."""

from .codec import MeanScaleFloatCodec
