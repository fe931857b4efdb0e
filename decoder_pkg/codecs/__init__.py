"""The codecs that a weight file may name, a folder each: the table, and what all of them offer.

What needs torch is imported from its own module.
"""

from __future__ import annotations

from .interface import HYPER_LATENTS, LATENTS, Architecture, CodingSetting, GridShape, IntegerCodec, Integers, Size
from .layers import CAUSAL_WINDOW, MEAN_EXPONENT, SCALE, Layer, read_layers
from .table import ARCHITECTURES, CODECS, architecture, codec_of
from .widths import changed, open_widths, stated
