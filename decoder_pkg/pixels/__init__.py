"""From what a codec synthesises to pictures: tiles, filters. What needs torch is imported from its own module."""

from .tiles import Span, tiles
