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

from encoder.pictures import load_picture
from eval.pictures import PictureError
from eval.storage import cache_folder, is_sealed, read_plain, replacing, seal

from .variation import draw

CACHE = "training"
"""Name of the cache of decoded crops."""

CROPS, EVALUATION = Path("../shared/data/train"), Path("../shared/data/kodak")
"""Where commands look for training crops and for pictures to evaluate on, unless they are told."""

SUFFIXES = (".avif", ".png", ".jpg", ".jpeg")
LOW_WEIGHT_REPOSITORIES = ("ngchc/CameraSR",)
"""Sources that are not natural scenes (printed postcards); drawn four times less often."""
LOW_WEIGHT = 0.25

SHOWN = 5
"""Files that a message names, of those that cannot be crops."""

DOWNSCALED = 0.5
"""Share of the crops that are reduced from a larger window: sharp detail, full chroma, as in pictures from a camera."""


class CropError(ValueError):
    """Files of a folder cannot be crops, or its manifest is damaged."""


class CropSet:
    """All crops of a folder with their sampling weights.

    Attributes:
      crops: [N, S, S, 3] uint8, memory-mapped.
      weights: [N] float64, summing to one.
    """

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        """Decodes the folder on first use.

        Args:
          folder: square AVIF/PNG/JPEG crops of one size, optionally with a manifest.jsonl naming each one's repository.
          cache: where the decoded array is kept, by default this machine's cache.

        Raises:
          FileNotFoundError: the folder holds no crops.
          CropError: it is no folder; crops cannot be read, are not square or differ; or the manifest is damaged.
        """
        files = [p for p in _content(folder) if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
        if not files:
            raise FileNotFoundError(f"{folder} holds no {', '.join(SUFFIXES)} crops; pass another folder with --data")
        self.crops = _decoded(files, cache or cache_folder(CACHE))
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


def _content(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        reason = error.strerror or error
        raise CropError(f"{folder} cannot be read as a folder: {reason}; pass another one with --data") from None


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
    if not is_sealed(path):
        _decode(files, path)
        seal(path)
    crops: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return crops


def _decode(files: list[Path], path: Path) -> None:
    """Decodes all crops into one file; what cannot be a crop is found in all of them before that fails."""
    faults, side = list[str](), None
    with replacing(path) as partial, partial.open("wb") as file:
        for name in tqdm(files, desc="decoding crops"):
            try:
                crop = load_picture(name)
            except PictureError as error:
                faults.append(str(error))
                continue
            if side is None:
                side = crop.shape[1]
                header = {"descr": "|u1", "fortran_order": False, "shape": (len(files), side, side, 3)}
                # Written, not mapped: a full disk is then an error that has a name.
                np.lib.format.write_array_header_1_0(file, header)
            if crop.shape != (side, side, 3):
                height, width = crop.shape[:2]
                faults.append(
                    f"{name} is {width}x{height}, others {side} wide: crops must be square and share one size"
                )
            file.write(crop.tobytes())
        if faults:
            more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
            raise CropError("; ".join(faults[:SHOWN]) + more)


def _weights(files: list[Path], manifest: Path) -> NDArray[np.float64]:
    repositories = _repositories(manifest) if manifest.exists() else {}
    weights = np.array([LOW_WEIGHT if repositories.get(p.name) in LOW_WEIGHT_REPOSITORIES else 1.0 for p in files])
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def _repositories(manifest: Path) -> dict[str, str]:
    """The repository of each file that a manifest names."""
    found = {}
    for number, line in enumerate(read_plain(manifest).decode(errors="replace").splitlines(), start=1):
        try:
            row = json.loads(line)
            found[str(row["file"])] = str(row["repo"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise CropError(f'{manifest}, line {number}, is no row like {{"file": "a.png", "repo": "a/b"}}') from None
    return found
