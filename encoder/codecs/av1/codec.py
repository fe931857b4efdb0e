"""AV1: Pillow's AVIF encoder makes the data, without the file around it."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from decoder_pkg.codecs import Integers
from decoder_pkg.codecs.av1 import Av1Architecture, av1_integers
from decoder_pkg.codecs.av1.container import TEMPORAL_DELIMITER
from decoder_pkg.codecs.av1.pillow import decode_avif
from decoder_pkg.stream.wire import Reader
from eval.metrics import squared_error

from ..conventional import ConventionalCodec, NotCoded
from ..settings import ModelSetting, setting_at, trained_multiplier
from .quantisers import COARSEST, FINEST, place_of, quality_of, quantiser_at

SPEED, QUICK_SPEED = 3, 6
"""Of libaom. The tools for screens, which it takes where a picture looks like one, are there up to 6."""

USUAL = {"tune": "psnr"}
WITHOUT_BLOCK_COPY = {**USUAL, "enable-intrabc": "0"}
"""Copying blocks within a frame turns its loop filters off, which may cost more than it saves."""

REAL_LOSSES = 0.94
"""Half of what real codings of photographs gain on the whole, 12 %: pictures differ, and a choice finds those for which
it is too much."""

ANCHORS = (40, 63, 52, 26, 10)
"""Quantisers at which a picture is estimated, first one in the middle."""


class Av1Encoder(ConventionalCodec):
    """libaom through libavif through Pillow, tuned for PSNR, in 4:4:4, which wins at every rate.

    Screens are coded twice, the second time without copied blocks, and the better of both counts.
    """

    architecture = Av1Architecture
    real_losses = REAL_LOSSES

    @property
    def version(self) -> str:
        return f"libavif {features.version('avif')}, speeds {SPEED} and {QUICK_SPEED}, better of two, {REAL_LOSSES}"

    def settings(self, model: int) -> list[ModelSetting]:
        return [setting_at(model, place_of(quantiser)) for quantiser in range(COARSEST, FINEST - 1, -1)]

    def anchors(self, model: int) -> list[ModelSetting]:
        return [setting_at(model, place_of(quantiser)) for quantiser in ANCHORS]

    def code(self, pixels: NDArray[np.uint8], setting: ModelSetting, quick: bool) -> Integers:
        quality = quality_of(quantiser_at(setting.position))
        file = _avif(pixels, quality, QUICK_SPEED if quick else SPEED)
        if not quick and _has_screen_tools(_data(file)):
            file = _better(pixels, setting, file, _avif(pixels, quality, SPEED, WITHOUT_BLOCK_COPY))
        data = _data(file)
        try:
            return av1_integers(data)
        except OverflowError:
            raise NotCoded(f"{len(data)} bytes of AV1 data are more than a stream holds") from None


def _avif(pixels: NDArray[np.uint8], quality: int, speed: int, advanced: Mapping[str, str] = USUAL) -> bytes:
    """The AVIF file of a picture; the AV1 data is the last that it holds."""
    stream = io.BytesIO()
    arguments = {"subsampling": "4:4:4", "advanced": dict(advanced), "max_threads": 1}
    try:
        Image.fromarray(pixels).save(stream, format="AVIF", quality=quality, speed=speed, **arguments)
    except (KeyError, OSError, RuntimeError, ValueError) as error:  # of Pillow without AVIF, and of its encoder
        raise NotCoded(f"Pillow makes no AVIF file of the picture: {error}") from None
    return stream.getvalue()


def _data(file: bytes) -> bytes:
    """The AV1 data of an AVIF file."""
    return file.partition(b"mdat" + TEMPORAL_DELIMITER)[2]


def _has_screen_tools(data: bytes) -> bool:
    """Whether the frame allows the tools for screens, as the second bit of its header tells (AV1, section 5.9.2)."""
    reader = Reader(data)
    for _ in range(2):
        reader.unsigned(1)
        frame = reader.take(reader.varint())
    return bool(frame[0] & 0x40)


def _better(pixels: NDArray[np.uint8], setting: ModelSetting, *files: bytes) -> bytes:
    """The file that costs least at the Lagrange multiplier of a setting."""
    multiplier, size = trained_multiplier(setting.gain, setting.q), (pixels.shape[0], pixels.shape[1])
    return min(files, key=lambda file: squared_error(pixels, decode_avif(file, size)) + multiplier * len(file))
