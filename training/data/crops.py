"""Training crops: decoded once into one memory-mapped array, then cut at random."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from encoder.files import replacing

from .variation import draw

CACHE = Path(".cache/training")
CROPS, EVALUATION = Path("../shared/data/train"), Path("../shared/data/kodak")
"""Where commands look for training crops and for pictures to evaluate on, unless they are told."""

SUFFIXES = (".avif", ".png", ".jpg", ".jpeg")
LOW_WEIGHT_REPOSITORIES = ("ngchc/CameraSR",)
"""Sources that are not natural scenes (printed postcards); drawn four times less often."""
LOW_WEIGHT = 0.25

DOWNSCALED = 0.5
"""Share of the crops that are reduced from a larger window: sharp detail, full chroma, as in pictures from a camera."""


class CropSet:
    """All crops of a folder with their sampling weights.

    Attributes:
      crops: [N, S, S, 3] uint8, memory-mapped.
      weights: [N] float64, summing to one.
    """

    def __init__(self, folder: Path, cache: Path = CACHE) -> None:
        """Decodes the folder on first use.

        Args:
          folder: square AVIF/PNG/JPEG crops of one size, optionally with a manifest.jsonl naming each one's repository.
          cache: where the decoded array is kept.

        Raises:
          FileNotFoundError: the folder holds no crops.
          ValueError: the crops differ in size.
        """
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            raise FileNotFoundError(f"{folder} holds no {', '.join(SUFFIXES)} crops; pass another folder with --data")
        self.crops = _decoded(files, cache)
        self.weights = _weights(files, folder / "manifest.jsonl")

    @property
    def side(self) -> int:
        """Side of the crops in pixels."""
        return int(self.crops.shape[1])

    @property
    def description(self) -> str:
        """How many crops of which size, for the manifest of a model."""
        return f"{len(self.crops)} crops of {self.side}x{self.side}"

    def place(self, rng: np.random.Generator, count: int, size: int) -> Tensor:
        """Where random windows are cut: [count, 7] int64, see `training.data.cutting`; reduced and turned by chance."""
        side = np.where(rng.random(count) < DOWNSCALED, rng.integers(size, self.side + 1, count), size)
        chosen = rng.choice(len(self.crops), size=count, p=self.weights)
        corners, turns = rng.integers(0, self.side - side + 1, (2, count)), rng.integers(0, 2, (3, count))
        return torch.from_numpy(np.stack([chosen, *corners, side, *turns], axis=1))

    def windows(self, places: Tensor, size: int) -> Tensor:
        """The windows [B, 3, size, size] uint8 at these places."""
        stacked = np.stack([_window(self.crops[index], size, *place) for index, *place in places.tolist()])
        return torch.from_numpy(stacked).permute(0, 3, 1, 2)

    def batch(self, rng: np.random.Generator, count: int, size: int) -> Tensor:
        """Random crops [count, 3, size, size] float32 in [0, 1], varied at random."""
        noise = torch.Generator().manual_seed(int(rng.integers(2**63)))
        variation = draw(rng, count)
        return variation.apply(self.windows(self.place(rng, count, size), size), noise)


def _window(
    crop: NDArray[np.uint8], size: int, row: int, column: int, side: int, flip_rows: int, flip_columns: int, turn: int
) -> NDArray[np.uint8]:
    """A window [size, size, 3] of a crop [S, S, 3]: reduced from a larger one, flipped, transposed."""
    picture = np.asarray(crop[row : row + side, column : column + side])
    if side > size:
        picture = np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS))
    picture = picture[:: 1 - 2 * flip_rows, :: 1 - 2 * flip_columns]
    return picture.transpose(1, 0, 2) if turn else picture


def _decoded(files: list[Path], cache: Path) -> NDArray[np.uint8]:
    facts = ((file.resolve(), file.stat()) for file in files)
    text = "\n".join(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in facts)
    path = cache / f"crops-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        with Image.open(files[0]) as first:
            side = first.size[0]
        with replacing(path) as partial:
            array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(files), side, side, 3))
            for row, file in enumerate(tqdm(files, desc="decoding crops")):
                array[row] = _square(file, side)
            array.flush()
    loaded: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return loaded


def _square(file: Path, side: int) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        if image.size != (side, side):
            raise ValueError(f"{file} is {image.size}, the first crop {side}x{side}: crops must share one size")
        return np.asarray(image.convert("RGB"))


def _weights(files: list[Path], manifest: Path) -> NDArray[np.float64]:
    repositories = {}
    if manifest.exists():
        rows = (json.loads(line) for line in manifest.read_text().splitlines())
        repositories = {row["file"]: row["repo"] for row in rows}
    weights = np.array([LOW_WEIGHT if repositories.get(p.name) in LOW_WEIGHT_REPOSITORIES else 1.0 for p in files])
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised
