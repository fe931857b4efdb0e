from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from tests.training.runs import exported, finished_run, made_once
from training.data.crops import CropSet
from training.export.trained import load_run


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
def every_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> Path:
    """A finished run of each; tests leave its folder as it is."""
    return finished_run(tmp_path_factory, crops, request.param)


@pytest.fixture(scope="session")
def every_export(every_run: Path, tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> tuple[Path, Path]:
    """The folders of both halves of each, as model 3; tests leave them as they are."""

    def make(folder: Path) -> None:
        exported(load_run(every_run), crops, folder)

    folder = made_once(tmp_path_factory, f"export of {every_run.name}", make)
    return folder / "decoder", folder / "encoder"


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, crops: CropSet) -> Path:
    """A finished run; tests leave its folder as it is."""
    return finished_run(tmp_path_factory, crops, CODECS[0])
