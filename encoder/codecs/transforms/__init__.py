"""Float transforms that several codecs share."""

from .interface import TransformFloatCodec
