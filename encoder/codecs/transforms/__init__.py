"""Float transforms that several codecs share."""

from .interface import TransformFloatCodec

__all__ = ["TransformFloatCodec"]
