"""The 3-D context in float."""

from .codec import Context3dFloatCodec
