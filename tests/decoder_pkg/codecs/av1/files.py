"""AVIF files as Pillow writes them, and the AV1 data in them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from decoder_pkg.codecs.av1.container import TEMPORAL_DELIMITER

Pixels = NDArray[np.uint8]

QUICK = {"speed": 9, "subsampling": "4:4:4", "quality": 60}


def avif_of(pixels: Pixels, **arguments: Any) -> bytes:
    """The file that Pillow makes of a picture [H, W, 3] uint8."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="AVIF", **QUICK | arguments)
    return stream.getvalue()


def data_of(file: bytes) -> bytes:
    """The AV1 data of a file, whose last box holds nothing else."""
    _, found, data = file.partition(b"mdat" + TEMPORAL_DELIMITER)
    assert found
    return data


def decoded_by_pillow(file: bytes) -> Pixels:
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB"))


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def drawing(height: int, width: int) -> Pixels:
    """Few colours and sharp edges."""
    pixels = np.full((height, width, 3), 250, np.uint8)
    pixels[height // 4 : height // 2 + 1, width // 3 :] = (200, 30, 30)
    pixels[::7, : width // 2 + 1] = 10
    return pixels
