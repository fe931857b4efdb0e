"""The codec with a quadtree context: four steps for a picture of any size."""

from .codec import GROUPS, TURNS, QuadtreeArchitecture, QuadtreeCodec
