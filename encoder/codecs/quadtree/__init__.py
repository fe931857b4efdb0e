"""The float half of the codec with a quadtree context."""

from .codec import QuadtreeFloatCodec
