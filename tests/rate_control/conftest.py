from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
from PIL import Image

from rate_control.allocation.table import COLUMNS

SMALL_BUDGET = 1777
CROPS = {
    "one": skimage.data.astronaut()[:200, :260],
    "two": skimage.data.coffee()[60:220, 100:300],
    "three": skimage.data.chelsea()[:150, :170],
}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three small photographs as PNG files."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, pixels in CROPS.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def table() -> pd.DataFrame:
    """Six pictures, twenty candidates each, of very different difficulty."""
    rng = np.random.default_rng(1)
    rows = []
    for picture in range(6):
        pixels, difficulty = int(rng.integers(10_000, 90_000)), 4.0 ** rng.uniform(0, 4)
        for step, bpp in enumerate(np.geomspace(0.02, 1.5, 20)):
            error = 3 * pixels * difficulty * 2 ** (-2.2 * bpp)
            rows.append((f"p{picture}", step, math.ceil(pixels * bpp / 8), error, 0.3 * 2 ** (-3 * bpp), pixels))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def total_pixels(table: pd.DataFrame) -> int:
    return int(table.groupby("image")["pixels"].first().sum())
