"""The factorised prior between the transforms of CompressAI."""

from .codec import DeepFactorisedArchitecture, DeepFactorisedCodec
