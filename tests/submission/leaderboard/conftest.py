from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
from PIL import Image


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small photographs as PNG files."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, pixels in (("one", skimage.data.astronaut()[:96, :128]), ("two", skimage.data.coffee()[:90, :80])):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return sorted(folder.iterdir())
