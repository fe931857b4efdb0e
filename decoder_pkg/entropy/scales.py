"""Scales of the latents as integers: bins of log2 of the standard deviation, each of which names a coding table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALE_SHIFT = 8
"""Outputs of the parameter network are in 2^-SCALE_SHIFT of a scale bin."""

SCALE_BINS = 256
"""Equal bins of log2 sigma, each of which names its coding table."""

BIN_OCTAVES = 5 / 128
"""Width of a scale bin in log2 of the standard deviation."""

CERTAIN = 0
"""The table of the smallest standard deviation: its latents are zero and not coded.

Nine of ten latents are of this kind at low rates. Coding them would cost the coder's rounding for each, and a
non-zero one among them more than it is worth.
"""

NO_BINS: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
