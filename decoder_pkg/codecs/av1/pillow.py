"""AVIF files to pixels, by Pillow."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from ...errors import CorruptPayload, MissingCodec
from ..interface import Size


def decode_avif(file: bytes, size: Size) -> NDArray[np.uint8]:
    """The pixels [H, W, 3] uint8 of an AVIF file, which must have this height and width.

    Raises:
      MissingCodec: this Pillow has no AVIF.
      CorruptPayload: Pillow cannot decode it to this size.
    """
    if not features.check("avif"):
        raise MissingCodec("the picture is coded by AV1, and the Pillow here has no AVIF: install Pillow 11.3 or later")
    try:
        with Image.open(io.BytesIO(file), formats=["AVIF"]) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except Exception as error:  # Pillow's decoders raise errors of many types
        raise CorruptPayload(f"Pillow cannot decode the AV1 data: {error}") from None
    if pixels.shape[:2] != size:
        raise CorruptPayload(f"the AV1 data decodes to {pixels.shape[1]}x{pixels.shape[0]}, not {size[1]}x{size[0]}")
    return pixels
