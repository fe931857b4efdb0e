"""A 3-D context: two groups of channels, of which the second sees the first at its own position too."""

from .codec import Context3dArchitecture, Context3dCodec
