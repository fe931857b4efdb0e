"""Float transforms that several codecs share. What needs torch is imported from its own module."""

from .interface import FULL_WIDTHS, SMOKE_WIDTHS, TransformArchitecture, TransformCodec
