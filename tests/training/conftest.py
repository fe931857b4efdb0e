from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from tests.training.runs import SMOKE, trainer
from training.data.crops import CropSet


@pytest.fixture(scope="session", autouse=True)
def few_patches() -> Iterator[None]:
    """A few patches are enough for principal components of two pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.tasks.initialise.PATCHES", 3_000)
        yield


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> CropSet:
    folder = tmp_path_factory.mktemp("crops")
    for name in ("astronaut", "coffee"):
        pixels = getattr(skimage.data, name)()
        for row in (0, 140):
            for column in (0, 120, 240):
                Image.fromarray(pixels[row : row + 256, column : column + 256]).save(
                    folder / f"{name}{row}{column}.png"
                )
    return CropSet(folder, tmp_path_factory.mktemp("cache"))


CODECS = ("smoke", "smoke-quadtree", "smoke-mean-scale", "smoke-factorised", "smoke-many-priors", "smoke-context-3d")
"""One of each way in which integers are coded or chosen."""


@pytest.fixture(scope="session", params=CODECS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> Path:
    """A finished run of each; tests leave its folder as it is."""
    folder = tmp_path_factory.mktemp("run")
    trainer(folder, crops, replace(SMOKE, architecture=request.param)).run()
    return folder
