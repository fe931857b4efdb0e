"""Pictures to filter: flat ones, and decoded tiles."""

from __future__ import annotations

import numpy as np

from decoder_pkg.pixels.filters.linear_apply import REACH
from decoder_pkg.pixels.render import Tile
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture

FLAT = {
    "white": np.full((96, 128, 3), 255),
    "nearly white": np.where(np.random.default_rng(1).random((96, 128, 3)) < 0.02, 252, 255),
    "two colours": np.where(np.arange(128)[None, :, None] < 40, (250, 3, 80), (12, 200, 90)) * np.ones((96, 1, 1)),
    "black with noise": np.random.default_rng(2).integers(0, 3, (96, 128, 3)),
}


def decoded_tiles(picture: AnalysedPicture, gain: int) -> list[Tile]:
    """What the synthesis makes of a picture at a gain, with as much around it as the filter sees."""
    setting = coding_setting(gain, 128)
    return picture.rendered(picture.quantise(setting), setting, REACH)
