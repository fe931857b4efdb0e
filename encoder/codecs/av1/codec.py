"""AV1: Pillow's AVIF encoder makes the data, without the file around it."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from decoder_pkg.codecs import Integers
from decoder_pkg.codecs.av1 import Av1Architecture, av1_integers
from decoder_pkg.codecs.av1.container import TEMPORAL_DELIMITER

from ..conventional import ConventionalCodec, NotCoded
from ..settings import ModelSetting, setting_at
from .quantisers import COARSEST, FINEST, place_of, quality_of, quantiser_at

SPEED, QUICK_SPEED = 3, 6
"""Of libaom. The tools for screens, which it takes where they pay, are there up to 6."""

ANCHORS = (40, 63, 52, 26, 10)
"""Quantisers at which a picture is estimated, first one in the middle."""


class Av1Encoder(ConventionalCodec):
    """libaom through libavif through Pillow, tuned for PSNR, in 4:4:4, which wins at every rate."""

    architecture = Av1Architecture

    @property
    def version(self) -> str:
        return f"libavif {features.version('avif')}, speeds {SPEED} and {QUICK_SPEED}"

    def settings(self, model: int) -> list[ModelSetting]:
        return [setting_at(model, place_of(quantiser)) for quantiser in range(COARSEST, FINEST - 1, -1)]

    def anchors(self, model: int) -> list[ModelSetting]:
        return [setting_at(model, place_of(quantiser)) for quantiser in ANCHORS]

    def code(self, pixels: NDArray[np.uint8], setting: ModelSetting, quick: bool) -> Integers:
        quality = quality_of(quantiser_at(setting.position))
        file = _avif(pixels, quality, QUICK_SPEED if quick else SPEED)
        data = file.partition(b"mdat" + TEMPORAL_DELIMITER)[2]
        try:
            return av1_integers(data)
        except OverflowError:
            raise NotCoded(f"{len(data)} bytes of AV1 data are more than a stream holds") from None


def _avif(pixels: NDArray[np.uint8], quality: int, speed: int) -> bytes:
    """The AVIF file of a picture; the AV1 data is the last that it holds."""
    stream = io.BytesIO()
    arguments = {"subsampling": "4:4:4", "advanced": {"tune": "psnr"}, "max_threads": 1}
    try:
        Image.fromarray(pixels).save(stream, format="AVIF", quality=quality, speed=speed, **arguments)
    except (KeyError, OSError, RuntimeError, ValueError) as error:  # of Pillow without AVIF, and of its encoder
        raise NotCoded(f"Pillow makes no AVIF file of the picture: {error}") from None
    return stream.getvalue()
