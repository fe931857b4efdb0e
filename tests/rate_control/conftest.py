from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
from PIL import Image

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
