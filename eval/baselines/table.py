"""The table of conventional codecs.

Each is in its slowest setting, tuned for PSNR where it can be, and in 4:4:4 beside 4:2:0 where both win at some rate.
"""

from __future__ import annotations

import importlib

from .avif import AVIF
from .hevc import HEVC
from .interface import Baseline
from .jpeg import JPEG
from .jpeg2000 import JPEG_2000
from .jpeg_xl import JPEG_XL
from .webp import WEBP

BASELINES = (JPEG, JPEG_2000, WEBP, AVIF, HEVC, JPEG_XL)
"""In the order of boards; the slowest stand last."""


def installed() -> list[Baseline]:
    """The codecs whose library is there; plugins are registered with Pillow."""
    rows = [row for row in BASELINES if row.version]
    for row in rows:
        if row.module:
            plugin = importlib.import_module(row.module)
            getattr(plugin, "register_heif_opener", lambda: None)()
    return rows
