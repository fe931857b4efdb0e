"""The factorised prior between the transforms of CompressAI, in float."""

from .codec import DeepFactorisedFloatCodec
