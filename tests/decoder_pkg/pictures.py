"""Random pictures under the tiny models."""

from __future__ import annotations

from typing import Any

import numpy as np

from decoder_pkg.codecs import LATENTS, CodingSetting, IntegerCodec, Integers, Size
from decoder_pkg.codecs.many_priors import INDEX_GRID
from decoder_pkg.stream.container import ImageHeader
from encoder.coding import QuantisedPicture, quantise


def random_picture(
    codec: IntegerCodec[Any], size: Size, setting: CodingSetting, seed: int = 1, spread: float = 2.0
) -> QuantisedPicture:
    """A picture whose latents are normal numbers; those of the other grids are a third as large, priors any."""
    rng = np.random.default_rng(seed)
    spreads = {name: spread if name == LATENTS else spread / 3 for name in codec.grids(size)}
    latents = {
        name: rng.normal(0, spreads[name], (*shape.plane, shape.channels)).astype(np.float32)
        for name, shape in codec.grids(size).items()
    }
    if INDEX_GRID in latents:
        latents[INDEX_GRID] = rng.integers(0, codec.arch.priors, latents[INDEX_GRID].shape).astype(np.float32)
    return quantise(codec, latents, size, setting)


def header_of(size: Size, setting: CodingSetting, records: int = 0) -> ImageHeader:
    """A picture's header; its model, length and checksum are not looked at when a payload is decoded."""
    return ImageHeader(0, setting.gain.base, setting.q, records, size[1], size[0], 0, 0)


def same_integers(one: Integers, other: Integers) -> bool:
    """Whether two pictures have the same grids with the same integers."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
