"""The scale hyperprior of CompressAI, in exact integers."""

from .codec import DeepScaleArchitecture, DeepScaleCodec
