"""AV1 as Pillow's AVIF encoder makes it."""

from .codec import Av1Encoder
