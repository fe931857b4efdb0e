"""Zoos that AV1 has joined, and pictures that no photograph resembles."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from encoder.models import Zoo, load_zoo
from tests.paths import GOLDEN
from training.export.conventional import add_conventional

AV1 = 9

Pixels = NDArray[np.uint8]


def with_av1(folder: Path) -> Zoo:
    """The tiny models and AV1, in folders of their own."""
    folders = folder / "decoder", folder / "encoder"
    for mine in folders:
        shutil.copytree(GOLDEN / mine.name, mine)
    add_conventional(*folders, AV1, "av1")
    return load_zoo(*folders)


def page(height: int, width: int) -> Pixels:
    """Lines of text, black on white."""
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    for row in range(0, height, 14):
        draw.text((4, row + 1), f"{row:03} A page of text codes unlike any photograph of it. " * 3, fill="black")
    return np.asarray(picture)
