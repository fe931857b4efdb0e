"""The mean-scale hyperprior of CompressAI, in exact integers."""

from .codec import DeepMeanScaleArchitecture, DeepMeanScaleCodec
